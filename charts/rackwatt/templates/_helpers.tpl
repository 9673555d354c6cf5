{{- define "rackwatt.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $both := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $both | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "rackwatt.operator" -}}
{{ include "rackwatt.fullname" . }}-operator
{{- end -}}

{{- define "rackwatt.serviceAccount" -}}
{{- $made := include "rackwatt.operator" . -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary $made "default") -}}
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

{{- /* An image's reference, of a dict `image` and the chart's context `root`. */ -}}
{{- define "rackwatt.image" -}}
{{- $tag := printf ":%s" (.image.tag | default .root.Chart.AppVersion) -}}
{{- .image.repository }}{{ .image.digest | empty | ternary $tag (printf "@%s" .image.digest) -}}
{{- end -}}

{{- /* Labels by which a Prometheus selects: everybody's, and of a dict on top. */ -}}
{{- define "rackwatt.selected" -}}
{{ merge (dict) (.own | default dict) .root.Values.monitoring.labels | toYaml }}
{{- end -}}

{{- /* Says "yes" where the cluster has Prometheus Operator; `helm template --api-versions` may name the version alone. */ -}}
{{- define "rackwatt.monitored" -}}
{{- if or (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") -}}
yes
{{- end -}}
{{- end -}}
