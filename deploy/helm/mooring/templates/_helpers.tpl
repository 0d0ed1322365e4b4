{{- define "mooring.labels" -}}
{{ include "mooring.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mooring
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "mooring.selector" -}}
app.kubernetes.io/name: mooring
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mooring.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* The Services of the file by namespace, as YAML. */ -}}
{{- define "mooring.served" -}}
{{- $served := dict }}
{{- range .Values.config.services }}
{{- $namespace := .namespace | default "default" }}
{{- $names := append (get $served $namespace | default list) .name }}
{{- $_ := set $served $namespace (uniq $names) }}
{{- end }}
{{- toYaml $served }}
{{- end }}

{{- /* The EndpointSlices that may be written, by namespace, as YAML: of each family one for a hundred hosts, and one more. */ -}}
{{- define "mooring.slices" -}}
{{- $slices := dict }}
{{- range $service := .Values.config.services }}
{{- if has $service.publish (list "endpointSlices" "both") }}
{{- $namespace := $service.namespace | default "default" }}
{{- range $number := until (int (add 2 (div (len $service.hosts) 100))) }}
{{- range $family := list "ipv4" "ipv6" }}
{{- $names := append (get $slices $namespace | default list) (printf "%s-mooring-%s-%d" $service.name $family $number) }}
{{- $_ := set $slices $namespace $names }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $slices }}
{{- end }}

{{- /* What a policy is called, which has no namespace. */ -}}
{{- define "mooring.policy" -}}
{{ eq .Release.Name .Release.Namespace | ternary .Release.Name (printf "%s-%s" .Release.Namespace .Release.Name) }}
{{- end }}

{{- define "mooring.restricted" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532 # so that it may read the Secrets, and nobody else
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "mooring.container" -}}
image: {{ include "mooring.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts: # folders, never a subPath: a file mounted so keeps its first content
- {name: config, mountPath: /etc/mooring, readOnly: true}
- {name: passwords, mountPath: /etc/mooring/secrets, readOnly: true}
- {name: tls, mountPath: /etc/mooring/tls, readOnly: true}
{{- end }}

{{- define "mooring.volumes" -}}
- name: config
  configMap: {name: {{ .Release.Name }}}
- name: passwords
  secret: {secretName: {{ .Values.secrets.passwords }}, optional: true, defaultMode: 0440}
- name: tls
  secret: {secretName: {{ .Values.secrets.tls }}, optional: true, defaultMode: 0440}
{{- end }}
