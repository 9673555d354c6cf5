{{- define "rackwatt.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $both := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $both | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "rackwatt.operator" -}}
{{ include "rackwatt.fullname" . }}-operator
{{- end -}}

{{- define "rackwatt.serviceAccount" -}}
{{- $created := include "rackwatt.operator" . -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary $created "default") -}}
{{- end -}}

{{- define "rackwatt.selector" -}}
app.kubernetes.io/name: rackwatt-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Ours come first: a common label can never change a selector. */ -}}
{{- define "rackwatt.labels" -}}
{{- $ours := include "rackwatt.selector" . | fromYaml -}}
{{- $_ := set $ours "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $ours "app.kubernetes.io/component" "operator" -}}
{{- $_ := set $ours "app.kubernetes.io/part-of" "rackwatt" -}}
{{- $_ := set $ours "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{ merge $ours .Values.commonLabels | toYaml }}
{{- end -}}

{{- /* The metadata of an object of the release: of a dict `root` and `name`, with `labels` and `annotations`
if it has its own. */ -}}
{{- define "rackwatt.metadata" -}}
name: {{ .name }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{ include "rackwatt.marks" . }}
{{- end -}}

{{- /* The same of an object of the whole cluster: its name has the namespace, so that releases in several
namespaces do not collide. */ -}}
{{- define "rackwatt.clusterMetadata" -}}
name: {{ include "rackwatt.clusterName" . }}
{{ include "rackwatt.marks" . }}
{{- end -}}

{{- define "rackwatt.clusterName" -}}
{{ .name }}:{{ .root.Release.Namespace }}
{{- end -}}

{{- define "rackwatt.marks" -}}
labels: {{- merge (include "rackwatt.labels" .root | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* An image's reference, of a dict `image` and the chart's context `root`. */ -}}
{{- define "rackwatt.image" -}}
{{- $tag := printf ":%s" (.image.tag | default .root.Chart.AppVersion) -}}
{{- with .root.Values.global.imageRegistry | default .image.registry }}{{ . }}/{{ end -}}
{{- .image.repository }}{{ .image.digest | empty | ternary $tag (printf "@%s" .image.digest) -}}
{{- end -}}

{{- /* The pull secrets of a parent chart and ours, each once; a secret may be given by its name alone. */ -}}
{{- define "rackwatt.imagePullSecrets" -}}
{{- $secrets := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with uniq $secrets }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{- define "rackwatt.podSecurityContext" -}}
{{- $ours := dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{ mergeOverwrite $ours .Values.podSecurityContext | toYaml }}
{{- end -}}

{{- define "rackwatt.securityContext" -}}
{{- $ours := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
{{ mergeOverwrite $ours .Values.securityContext | toYaml }}
{{- end -}}

{{- /* Labels by which a Prometheus selects: those of all monitors, and on top those of a dict. */ -}}
{{- define "rackwatt.selected" -}}
{{ merge (dict) (.own | default dict) .root.Values.monitoring.labels | toYaml }}
{{- end -}}

{{- /* Is "yes" where the cluster has Prometheus Operator; `helm template --api-versions` may name the version alone. */ -}}
{{- define "rackwatt.monitored" -}}
{{- if or (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") -}}
yes
{{- end -}}
{{- end -}}
