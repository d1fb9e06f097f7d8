// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Whose certificates count. */
final class Certificates {
    private Certificates() {}

    /**
     * TLS that takes what the runtime takes, and what these certificates vouch for.
     *
     * @param pem certificates in PEM
     * @throws GeneralSecurityException if they are none
     */
    static SSLContext trusting(final byte[] pem) throws GeneralSecurityException, IOException {
        final KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int count = 0;
        for (final Certificate given :
                CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem))) {
            store.setCertificateEntry("given-" + count++, given);
        }
        for (final TrustManager manager : managers(null)) {
            if (manager instanceof final X509TrustManager own) {
                for (final X509Certificate known : own.getAcceptedIssuers()) {
                    store.setCertificateEntry("known-" + count++, known);
                }
            }
        }
        final SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers(store), null);
        return context;
    }

    private static TrustManager[] managers(final @Nullable KeyStore store) throws GeneralSecurityException {
        final var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }
}
