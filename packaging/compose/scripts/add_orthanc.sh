#!/usr/bin/env bash
# Adds Orthanc number N to the three of docker-compose.yml: web port 8041+N, DICOM port 4241+N, container orthancN.
# usage: add_orthanc.sh N      N from 4 to 59, so that Rollcall's default ranges hold it
# environment: ORTHANC_IMAGE (orthancteam/orthanc:latest), DOCKER (docker)
set -euo pipefail

number=${1:-}
if ! [[ $number =~ ^[0-9]{1,2}$ ]] || ((10#$number < 4 || 10#$number > 59)); then
  sed -n 2,4p "$0" >&2
  exit 2
fi
number=$((10#$number))
name=orthanc$number
web=$((8041 + number))
dicom=$((4241 + number))

"${DOCKER:-docker}" run --detach --name "$name" --restart unless-stopped \
  --publish "127.0.0.1:$web:8042" --publish "127.0.0.1:$dicom:4242" \
  --env "ORTHANC__NAME=$name" --env "ORTHANC__DICOM_AET=ORTHANC$number" --env ORTHANC__AUTHENTICATION_ENABLED=false \
  --volume "$name:/var/lib/orthanc/db" \
  "${ORTHANC_IMAGE:-orthancteam/orthanc:latest}" >/dev/null
echo "$name: http://127.0.0.1:$web/ (DICOM port $dicom)"
