#!/bin/sh
# SPDX-License-Identifier: MIT
# GNU's shell: files that are pipes, jobs, signals, descriptors.
cat > /tmp/t.bash <<'END'
set -u
echo "bash $BASH_VERSION"
declare -A age=([one]=1 [two]=2); echo "${age[one]} ${age[two]} ${#age[@]}"
echo "pipe: $(seq 1000 | sort -rn | head -n 3 | tr '\n' ' ')"
cat <(echo "from a pipe") <(echo "and another")
echo "into a pipe" > >(cat); sleep 0.3
diff <(seq 3) <(seq 4); echo "diff $?"
echo stdin | cat /dev/stdin
echo fd | cat /proc/self/fd/0
cat /dev/fd/3 3<<< "a here string"
true | false | (exit 3); echo "${PIPESTATUS[@]}"
coproc calculator { while read -r a b; do echo $((a + b)); done; }
echo 20 22 >&"${calculator[1]}"; read -r sum <&"${calculator[0]}"; echo "coprocess $sum"
eval "exec ${calculator[1]}>&-"; wait; echo "coprocess ended $?"
while wait -n; do :; done # wait may leave the coprocess to wait -n
for i in 1 2 3 4 5 6 7 8; do (sleep 0.0$i; exit $i) & done
total=0; for i in 1 2 3 4 5 6 7 8; do wait -n; total=$((total + $?)); done; echo "eight children $total"
wait -n; echo "none left $?"
trap 'echo "trapped USR1"' USR1; kill -USR1 $$; trap - USR1
(trap 'echo "trapped TERM"; exit 9' TERM; while :; do sleep 0.01; done) & pid=$!
sleep 0.3; kill $pid; wait $pid; echo "status $?"
sleep 100 & kill -9 $!; wait $! 2>/dev/null; echo "killed $?"
set -m
sleep 100 & kill -STOP %1; sleep 0.2; jobs | tr -s ' '; kill %1; kill -CONT %1 2>/dev/null; wait %1 2>/dev/null; echo "job $?"
set +m
exec 5<>/tmp/t.file; echo "written" >&5; read -r line < /tmp/t.file; echo "$line"; exec 5>&-
read -r -t 0.1 line < <(sleep 1); [ $? -gt 128 ] && echo "read timed out"
ulimit -n 64; ulimit -n; { (ulimit -f 1; exec dd if=/dev/zero of=/tmp/t.big bs=4096 count=9); } 2>/dev/null; echo "too big $?"
mkfifo /tmp/t.fifo; (echo "by name" > /tmp/t.fifo) & cat /tmp/t.fifo; wait
printf '%s\n' {a..e}{1..2} | paste -sd' '
f() { local n=$1; ((n < 2)) && echo 1 || echo $((n * $(f $((n - 1))))); }; echo "nested subshells $(f 12)"
exec 3>&1; out=$( { echo err >&2; echo out; } 2>&1 1>&3 ); echo "caught $out"
[[ -p /tmp/t.fifo && -d /tmp && ! -e /nowhere ]] && echo "tests"
exec bash -c 'echo "$0 $* shlvl is set: ${SHLVL:+yes}"' program a b
END
bash /tmp/t.bash
echo "status $?"
