{{- /* What the objects are called: the release, with the chart's name in it. */ -}}
{{- define "mooring.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- $both := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $both | trunc 48 | trimSuffix "-" }} {{- /* and room for "-observer-0" and the like */ -}}
{{- end }}

{{- define "mooring.account" -}}
{{- if not (or .Values.serviceAccount.create .Values.serviceAccount.name) }}
{{- fail "serviceAccount.create: false needs serviceAccount.name: the account that gets Mooring's rights" }}
{{- end }}
{{- .Values.serviceAccount.name | default (include "mooring.fullname" .) }}
{{- end }}

{{- define "mooring.labels" -}}
{{ include "mooring.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mooring
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "mooring.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mooring.image" -}}
{{- with .Values.image }}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
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
{{- $name := include "mooring.fullname" . }}
{{- eq $name .Release.Namespace | ternary $name (printf "%s-%s" .Release.Namespace $name) }}
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
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* What whoever edits the file cannot widen: which files it may name, and where their contents may be sent. */ -}}
{{- define "mooring.confined" -}}
- {name: MOORING_SECRET_DIRS, value: {{ .Values.secretDirs | join "," | quote }}}
{{- with .Values.probeCidrs }}
- {name: MOORING_PROBE_CIDRS, value: {{ . | join "," | quote }}}
{{- end }}
- name: MOORING_ALLOWED_CIDRS # read at start; without that ConfigMap, every address of the file
  valueFrom:
    configMapKeyRef: {name: {{ include "mooring.fullname" . }}-allowed, key: cidrs, optional: true}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "mooring.volumes" -}}
- name: config
  configMap: {name: {{ .Values.existingConfigMap | default (include "mooring.fullname" .) }}}
- name: passwords
  secret: {secretName: {{ .Values.secrets.passwords }}, optional: true, defaultMode: 0440}
- name: tls
  secret: {secretName: {{ .Values.secrets.tls }}, optional: true, defaultMode: 0440}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The ports of the databases that the network lets Mooring reach, as JSON. */}}
{{- define "mooring.ports" -}}
{{- .Values.networkPolicy.databases.ports | default (.Files.Get "files/ports.json" | fromJsonArray) | toJson -}}
{{- end }}
