#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's /bin/sh, with GNU's tools.
cat > /tmp/t.dash <<'END'
i=0; while [ $i -lt 300 ]; do i=$((i + $(echo 1))); done; echo "substitutions $i"
seq 5000 | while read -r n; do [ $((n % 1000)) = 0 ] && echo "$n"; done
cat <<TEXT | tr a-z A-Z
here document $(expr 6 \* 7)
TEXT
(exit 7); echo "status $?"
sleep 5 & pid=$!; kill $pid; wait $pid; echo "ended by TERM $?"
trap 'echo interrupted' INT; kill -INT $$
sh -c 'kill -SEGV $$'; echo "SEGV $?"
umask 027; : > /tmp/t.mask; stat -c %a /tmp/t.mask
echo one > /tmp/t.a; exec 3>>/tmp/t.a; echo two >&3; exec 3>&-; cat /tmp/t.a
(cd /tmp && pwd -P); cd /usr/bin && pwd; set -- a "b c" d; echo "$#: $2"
for i in 1 2 3 4; do (echo $i) & done | sort | tr '\n' ' '; wait; echo
yes | head -n 2; echo "yes ended"
trap 'echo "at exit"' EXIT
END
dash /tmp/t.dash
echo "status $?"
