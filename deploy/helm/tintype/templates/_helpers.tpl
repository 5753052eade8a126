{{- define "tintype.name" -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "tintype.labels" -}}
app.kubernetes.io/name: tintype
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "tintype.selector" -}}
app.kubernetes.io/name: tintype
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "tintype.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "tintype.secret" -}}
{{ .Values.existingSecret | default (include "tintype.name" .) }}
{{- end }}

{{/* What every pod of Tintype is, but for its command: root, component, command, resources. */}}
{{- define "tintype.pod" -}}
metadata:
  labels:
    {{- include "tintype.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  annotations:
    checksum/settings: {{ toJson (list .root.Values.settings .root.Values.shield.enabled .root.Values.shield.host) | sha256sum }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "8000"
    prometheus.io/path: /metrics
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .root.Values.drainSeconds }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: { type: RuntimeDefault }
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{ include "tintype.selector" . | nindent 10 }}
  containers:
    - name: {{ .component }}
      image: {{ include "tintype.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: {{ toJson .args }}
      envFrom:
        - configMapRef: { name: {{ include "tintype.name" .root }} }
        - secretRef: { name: {{ include "tintype.secret" .root }} }
      ports:
        - { name: http, containerPort: 8000 }
      startupProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 1
        failureThreshold: 60
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
      {{- if eq .component "api" }}
      lifecycle:
        # Requests still come for a moment after the pod was told to end.
        preStop: { exec: { command: [sleep, "5"] } }
      {{- end }}
      resources: {{ toYaml .resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: data, mountPath: /data }
        - { name: tmp, mountPath: /tmp }
  volumes:
    # Nothing that is kept: every engine is outside.
    - { name: data, emptyDir: {} }
    - { name: tmp, emptyDir: {} }
{{- end }}

{{/* The shield is not Tintype: the rules of Tintype's own pods are not for it. */}}
{{- define "tintype.shield.selector" -}}
app.kubernetes.io/name: tintype-shield
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: shield
{{- end }}

{{/* What stands around shield.conf: everything that is written lies below /tmp and /cache. */}}
{{- define "tintype.shield.main" -}}
daemon off;
worker_processes {{ .workers }};
worker_rlimit_nofile 16384;
pid /tmp/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    default_type application/octet-stream;
    sendfile on;
    include shield.conf;
}
{{- end }}
