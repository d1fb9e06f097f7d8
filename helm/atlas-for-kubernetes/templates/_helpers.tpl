{{/* Labels of every object; the argument is a list of the root and the component's name. */}}
{{- define "atlas.labels" -}}
{{- $root := index . 0 -}}
{{ include "atlas.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{/* Labels by which a component's pods are found. */}}
{{- define "atlas.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: atlas-for-kubernetes
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of a component's pods; the argument is a list of the root, the component's name and its values. */}}
{{- define "atlas.podLabels" -}}
{{- merge (include "atlas.selector" . | fromYaml) (index . 2).podLabels | toYaml -}}
{{- end }}

{{/* An image's full name; the argument is a list of the root and the image's values. */}}
{{- define "atlas.image" -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default (index . 0).Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* "true" where the server has ValidatingAdmissionPolicies (from 1.30 on) and they are wanted, else empty. */}}
{{- define "atlas.admissionPolicies" -}}
{{- if and .Values.admissionPolicies.enabled (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) -}}
true
{{- end }}
{{- end }}

{{/* "true" where the operator labels nodes: only where an admission policy keeps it to that. */}}
{{- define "atlas.nodeLabels" -}}
{{- if .Values.nodeLabels.enabled -}}
{{ include "atlas.admissionPolicies" . }}
{{- end }}
{{- end }}

{{/* The security contexts of whatever needs no privilege, as the Pod Security Standard "restricted" asks for. */}}
{{- define "atlas.unprivilegedPod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}
{{- define "atlas.unprivilegedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Of the nodes for which there are images; the argument is what else they must have. */}}
{{- define "atlas.nodeSelector" -}}
{{- merge (dict "kubernetes.io/os" "linux" "kubernetes.io/arch" "amd64") . | toYaml -}}
{{- end }}

{{/* Makes an object exist while "helm uninstall" asks whether it may; the argument is its place in the order. */}}
{{- define "atlas.beforeUninstall" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Fields that one schema has and another has not; the argument is a list of both, and of the path to them. */}}
{{- define "atlas.missingFields" -}}
{{- $wanted := index . 0 -}}
{{- $there := index . 1 -}}
{{- $path := index . 2 -}}
{{- range $field, $schema := $wanted.properties -}}
{{- $other := get ($there.properties | default dict) $field -}}
{{- if $other -}}
{{- include "atlas.missingFields" (list $schema $other (printf "%s.%s" $path $field)) -}}
{{- else -}}
{{- printf "%s.%s " $path $field -}}
{{- end -}}
{{- end -}}
{{- if $wanted.items -}}
{{- include "atlas.missingFields" (list $wanted.items ($there.items | default dict) (printf "%s[]" $path)) -}}
{{- end -}}
{{- end }}
