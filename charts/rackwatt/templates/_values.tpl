{{- /* Gives every value that is absent or null its default. Helm takes null for "without the chart's default", and
a key whose children are commented out is null. Each template begins with it. */ -}}
{{- define "rackwatt.complete" -}}
{{- include "rackwatt.fill" (list .Values (.Files.Get "files/values.yaml" | fromYaml)) -}}
{{- end -}}

{{- /* Of a list of values and defaults; what is below `resources` and `nodeSelector` is Kubernetes' own, and removed by null. */ -}}
{{- define "rackwatt.fill" -}}
{{- $values := index . 0 -}}
{{- range $key, $default := index . 1 -}}
{{- if kindIs "invalid" (index $values $key) -}}
{{- $_ := set $values $key $default -}}
{{- else if and (kindIs "map" $default) (not (has $key (list "resources" "nodeSelector"))) -}}
{{- include "rackwatt.fill" (list (index $values $key) $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}
