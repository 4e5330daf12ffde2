#!/bin/sh
# progress.sh FOLDER COMMAND…: runs a command that fills the folder. On a terminal it shows how much has come and for how
# long it runs; at the end it says both. What the command downloads on its way lies in the folder too, and goes.
folder=$1
shift
mkdir -p "$folder/downloading"
began=$(date +%s)
size() { du -sm "$folder" | cut -f1; }
before=$(size)
TMPDIR=$(cd "$folder/downloading" && pwd) "$@" &
worker=$!
trap 'kill "$worker" 2>/dev/null' INT TERM
if [ -t 1 ]; then
    while kill -0 "$worker" 2>/dev/null; do
        printf '\r  %s MB, %s s ' "$(($(size) - before))" "$(($(date +%s) - began))"
        sleep 1
    done
    printf '\r'
fi
wait "$worker"
status=$?
rm -rf "$folder/downloading"
[ "$status" = 0 ] && echo "  $(($(size) - before)) MB in $(($(date +%s) - began)) s"
exit "$status"
