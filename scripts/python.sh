#!/bin/sh
# Makes the Python of the tests in .build/python, with the servers that they talk to, if it is not there yet.
set -eu

folder=.build/python
wanted="aiosmtpd==1.4.6 openpyxl==3.1.5 moto[s3]==5.2.5 flask==3.1.3 flask-cors==6.0.5"
[ "$(cat "$folder/wanted" 2>/dev/null || true)" = "$wanted" ] && exit 0
python3 -m venv --clear "$folder"
# shellcheck disable=SC2086 # a list of words
"$folder/bin/python3" -m pip install --quiet --disable-pip-version-check $wanted
echo "$wanted" >"$folder/wanted"
