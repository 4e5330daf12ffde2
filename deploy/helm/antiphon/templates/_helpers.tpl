{{- define "antiphon.labels" -}}
app.kubernetes.io/name: antiphon
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "antiphon.selector" -}}
app.kubernetes.io/name: antiphon
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "antiphon.name" -}}
{{ printf "%s-%s" .root.Release.Name .component | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "antiphon.image" -}}
{{- $registry := .root.Values.image.registry -}}
{{- $digest := get .root.Values.image.digests .image -}}
{{ if $registry }}{{ $registry }}/{{ end }}{{ .image }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* Not empty where processes show their metrics. */ -}}
{{- define "antiphon.metrics" -}}
{{- with .Values.monitoring }}{{ if or .podMonitor .serviceMonitor .rules }}true{{ end }}{{ end }}
{{- end }}

{{- define "antiphon.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "antiphon.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* Secrets come as files: an environment shows up in too many places. */ -}}
{{- define "antiphon.env" -}}
- { name: ANTIPHON_SECRETS_DIR, value: /run/secrets/antiphon }
- name: ANTIPHON_WORKER_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- { name: ANTIPHON_LIVENESS_FILE, value: /run/antiphon/alive }
- { name: ANTIPHON_CACHE_DIR, value: /var/cache/antiphon }
- { name: HF_HOME, value: /var/cache/antiphon/huggingface }
{{- if .root.Values.broker.users }}
- { name: ANTIPHON_BROKER_DECLARES, value: "false" }
{{- end }}
{{- if include "antiphon.metrics" .root }}
- { name: ANTIPHON_METRICS_PORT, value: {{ .root.Values.monitoring.metricsPort | quote }} }
{{- end }}
{{- range $name, $value := merge (dict) (.env | default dict) .root.Values.config }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{ include "antiphon.extra" (dict "pod" .pod "part" "env") }}
{{- end }}

{{- /* What the values add to a list of a pod: `env`, `volumes` or `volumeMounts` of `pod`. */ -}}
{{- define "antiphon.extra" -}}
{{- with index (.pod | default dict) .part }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "antiphon.annotations" -}}
annotations: {{ toJson (dig "annotations" dict (.pod | default dict)) }}
{{- end }}

{{- /* Where a pod runs: what holds for all, what holds where GPUs are asked for, and what its own values say. */ -}}
{{- define "antiphon.placement" -}}
{{- $pod := .pod | default dict }}
{{- $values := .root.Values }}
{{- $pull := list }}
{{- range $values.image.pullSecrets }}{{ $pull = append $pull (dict "name" .) }}{{ end }}
{{- $tolerations := concat $values.tolerations (dig "tolerations" list $pod) }}
{{- if gt (int .gpus) 0 }}{{ $tolerations = concat $tolerations $values.gpuTolerations }}{{ end }}
imagePullSecrets: {{ toJson $pull }}
nodeSelector: {{ toJson (merge (dict) (dig "nodeSelector" dict $pod) $values.nodeSelector) }}
tolerations: {{ toJson ($tolerations | default list) }}
{{- with $pod.affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- with $pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $pod.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "antiphon.mounts" -}}
- { name: secrets, mountPath: /run/secrets/antiphon, readOnly: true }
- { name: run, mountPath: /run/antiphon }
- { name: tmp, mountPath: /tmp }
- { name: cache, mountPath: /var/cache/antiphon }
{{- if or .root.Values.models.existingClaim .root.Values.models.fetch.image }}
- { name: models, mountPath: /models, readOnly: true }
{{- end }}
{{ include "antiphon.extra" (dict "pod" .pod "part" "volumeMounts") }}
{{- end }}

{{- define "antiphon.volumes" -}}
- name: secrets
  secret:
    secretName: {{ .root.Values.existingSecret }}
    defaultMode: 0440
    items:
      - { key: ANTIPHON_MONGO_URL, path: ANTIPHON_MONGO_URL }
      - { key: {{ ternary (printf "broker-url-%s" .component) "ANTIPHON_BROKER_URL" .root.Values.broker.users }}, path: ANTIPHON_BROKER_URL }
- { name: run, emptyDir: { medium: Memory, sizeLimit: 16Mi } }
- { name: tmp, emptyDir: {} }
- { name: cache, emptyDir: {} }
{{- if .root.Values.models.existingClaim }}
- { name: models, persistentVolumeClaim: { claimName: {{ .root.Values.models.existingClaim }}, readOnly: true } }
{{- else if .root.Values.models.fetch.image }}
- { name: models, emptyDir: {} }
{{- end }}
{{ include "antiphon.extra" (dict "pod" .pod "part" "volumes") }}
{{- end }}

{{- define "antiphon.fetch" -}}
{{- with .root.Values.models.fetch }}
{{- if and .image (not $.root.Values.models.existingClaim) }}
initContainers:
  - name: fetch-models
    image: {{ .image }}
    command: {{ toJson .command }}
    securityContext: {{- include "antiphon.containerSecurity" $ | nindent 6 }}
    volumeMounts:
      - { name: models, mountPath: /models }
      - { name: tmp, mountPath: /tmp }
  - name: check-models
    image: {{ .image }}
    workingDir: /models
    command: [sh, -ec, 'echo "$SUMS" | sha256sum -c -']
    env:
      - { name: SUMS, value: {{ required "models.fetch.sha256 is needed: weights are not run unchecked" .sha256 | quote }} }
    securityContext: {{- include "antiphon.containerSecurity" $ | nindent 6 }}
    volumeMounts:
      - { name: models, mountPath: /models, readOnly: true }
{{- end }}
{{- end }}
{{- end }}

{{- define "antiphon.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "antiphon.selector" . | nindent 6 }}
{{- end }}

{{- define "antiphon.resources" -}}
requests: {{- toYaml .resources.requests | nindent 2 }}
limits:
  {{- toYaml .resources.limits | nindent 2 }}
  {{- if .gpus }}
  nvidia.com/gpu: {{ .gpus }}
  {{- end }}
{{- end }}

{{- /* The pod of a command of the gateways' image that talks to the database alone. `reads`: the backups are mounted, and only read. */ -}}
{{- define "antiphon.databasePod" -}}
metadata:
  {{- include "antiphon.annotations" . | nindent 2 }}
  labels: {{- include "antiphon.labels" . | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ .account }}
  automountServiceAccountToken: false
  securityContext: {{- include "antiphon.podSecurity" . | nindent 4 }}
  {{- include "antiphon.placement" . | nindent 2 }}
  containers:
    - name: {{ .component }}
      image: {{ include "antiphon.image" . }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: {{ toJson .command }}
      env:
        - { name: ANTIPHON_SECRETS_DIR, value: /run/secrets/antiphon }
        {{- range $name, $value := .root.Values.config }}
        - { name: {{ $name }}, value: {{ $value | quote }} }
        {{- end }}
        {{- include "antiphon.extra" (dict "pod" .pod "part" "env") | nindent 8 }}
      resources: {{- toYaml .resources | nindent 8 }}
      securityContext: {{- include "antiphon.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - { name: secrets, mountPath: /run/secrets/antiphon, readOnly: true }
        {{- if hasKey . "reads" }}
        - { name: backups, mountPath: /backups, readOnly: {{ .reads }} }
        {{- end }}
        - { name: tmp, mountPath: /tmp }
        {{- include "antiphon.extra" (dict "pod" .pod "part" "volumeMounts") | nindent 8 }}
  volumes:
    - name: secrets
      secret:
        secretName: {{ .root.Values.existingSecret }}
        defaultMode: 0440
        items: [{ key: ANTIPHON_MONGO_URL, path: ANTIPHON_MONGO_URL }]
    {{- if hasKey . "reads" }}
    - name: backups
      persistentVolumeClaim:
        claimName: {{ required "backup.existingClaim is needed: a claim that backups are written to" .root.Values.backup.existingClaim }}
        readOnly: {{ .reads }}
    {{- end }}
    - { name: tmp, emptyDir: {} }
    {{- include "antiphon.extra" (dict "pod" .pod "part" "volumes") | nindent 4 }}
{{- end }}
