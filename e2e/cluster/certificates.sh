# SPDX-License-Identifier: Apache-2.0
# Sourced: keys, certificates and kubeconfig files of a cluster, in $state/pki.

# authority NAME: a certificate authority of its own
authority() {
	openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
		-subj "/CN=atlas-$1" -keyout "$state/pki/$1.key" -out "$state/pki/$1.crt" 2>/dev/null
}

# certificate NAME AUTHORITY SUBJECT [ALTERNATIVE-NAMES]: for clients, and for
# servers when there are alternative names
certificate() {
	local file=$state/pki/$1 authority=$state/pki/$2 usage=clientAuth names=
	if [ $# -gt 3 ]; then
		usage=clientAuth,serverAuth
		names="subjectAltName=$4"
	fi
	# With the key's kind in its first line: clients written in Java look for it there.
	openssl ecparam -name prime256v1 -genkey -noout -out "$file.key"
	openssl req -new -key "$file.key" -subj "$3" -out "$file.csr"
	openssl x509 -req -in "$file.csr" -CA "$authority.crt" -CAkey "$authority.key" \
		-set_serial "0x$(openssl rand -hex 8)" -days 30 -out "$file.crt" 2>/dev/null \
		-extfile <(printf '%s\n' "keyUsage=digitalSignature" "extendedKeyUsage=$usage" "$names")
	rm "$file.csr"
}

# kubeconfig NAME: $state/NAME.kubeconfig for the certificate of that name
kubeconfig() {
	kubeconfig_for "$1" "{client-certificate-data: $(base64 -w0 "$state/pki/$1.crt"), client-key-data: $(base64 -w0 "$state/pki/$1.key")}"
}

# kubeconfig_for NAME CREDENTIALS: $state/NAME.kubeconfig for what a user shows, in YAML on one line
kubeconfig_for() {
	local file=$state/$1.kubeconfig
	(umask 077 && cat >"$file") <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: atlas
		  cluster:
		    server: $api_server
		    certificate-authority-data: $(base64 -w0 "$state/pki/ca.crt")
		users:
		- name: $1
		  user: $2
		contexts:
		- name: atlas
		  context: {cluster: atlas, user: $1}
		current-context: atlas
	END
}

make_certificates() {
	mkdir -p "$state/pki"
	chmod 700 "$state/pki"
	authority ca
	authority front-proxy-ca
	certificate kube-apiserver ca /CN=kube-apiserver \
		"IP:$control_address,IP:$service_address,IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
	certificate kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client
	certificate front-proxy front-proxy-ca /CN=front-proxy-client
	certificate admin ca /O=system:masters/CN=admin
	certificate controller-manager ca /CN=system:kube-controller-manager
	certificate scheduler ca /CN=system:kube-scheduler
	certificate proxy ca /CN=system:kube-proxy
	openssl genrsa -out "$state/pki/service-account.key" 2048 2>/dev/null
	openssl rsa -in "$state/pki/service-account.key" -pubout -out "$state/pki/service-account.pub" 2>/dev/null
	local name
	for name in admin controller-manager scheduler proxy; do
		kubeconfig $name
	done
}
