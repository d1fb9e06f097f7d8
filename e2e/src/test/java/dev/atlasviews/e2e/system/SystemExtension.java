// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives tests the one {@link AtlasSystem} of the whole run: started by the first that asks, closed after the last. */
public final class SystemExtension implements ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(SystemExtension.class);
    private static final Path STATE = Path.of("target/cluster").toAbsolutePath();

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == AtlasSystem.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getRoot()
                .getStore(NAMESPACE)
                .computeIfAbsent(AtlasSystem.class, type -> AtlasSystem.start(STATE, part -> {}), AtlasSystem.class);
    }
}
