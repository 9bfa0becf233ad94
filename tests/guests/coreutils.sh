#!/bin/bash
# SPDX-License-Identifier: MIT
# GNU's tools for files, text and processes.
export LC_ALL=C TZ=UTC0
rm -rf /tmp/t && mkdir /tmp/t && cd /tmp/t || exit 1
ls --version | head -n 1
seq 20000 > n; wc n; sha256sum n; md5sum n; cksum n; b2sum n | cut -c1-20
sort -rn --parallel=4 n | head -n 3; sort -R --random-source=n n | sort -n | cmp - n && echo "same again"
shuf --random-source=n -n 3 n; tac n | tail -n 2; split -n 3 n part; cat part* | cmp - n && echo "parts"
split -l 5000 --filter='wc -l' n
mkdir -p a/b/c; echo text > a/b/c/f; ln a/b/c/f a/hard; ln -s b/c/f a/soft; mkfifo -m 640 a/fifo
touch -d '2001-02-03 04:05:06.789' a/b/c/f; chmod 4751 a/b/c/f
cp -a a copy; (cd copy && ls -R) | sort
stat -c '%n %F %a %h %s' a/b/c/f a/hard a/fifo copy/hard; stat -c '%n %y' a/b/c/f a/hard copy/hard
stat -c '%N %F %s' a/soft copy/soft; readlink -f copy/soft; realpath --relative-to=a copy/b
truncate -s 10M holes; stat -c '%s %b' holes; dd if=n of=holes conv=notrunc bs=1k seek=5000 2>&1 | head -n 2
cp --sparse=always holes dense; cmp holes dense && stat -c %s dense
dd if=/dev/zero bs=64k count=32 2>/dev/null | tee t1 t2 | wc -c; cmp t1 t2 && echo "tee"
cp n n2; cp -u n n2; cp -l n n3; cp -s /tmp/t/n n4; mv -n n2 n5; mv --backup=numbered n5 n; ls
rm n4; rmdir a/b 2>&1 | sed 's/.*: //'; rm -r a; ls a 2>&1
install -m 750 -D n deep/er/n; stat -c %a deep/er/n; mktemp -u | wc -l
chown 1:2 n; stat -c '%u %g' n; chgrp 3 n; stat -c %g n
timeout 0.2 sleep 10; echo "timeout $?"; { timeout -s KILL 0.2 sleep 10; } 2> kill; echo "kill $?"
timeout --preserve-status 0.2 sleep 5; echo "preserved $?"; env -i A=1 env; nice -n 5 nice; nohup true 2>&1
stdbuf -oL printf 'lines\n'; printf '%05.2f %x %q\n' 3.14159 255 'a b'; seq -w 8 11 | paste -s; expr 'abc' : 'a\(.\)'
date -u -d @1234567890 +%FT%T; date -d '2024-02-29 +1 year' +%F; numfmt --to=iec 123456789; factor 1234567890123
echo 'b a' | od -c | head -n 1; echo text | base64; echo abcdefg | fold -w 3
printf '1 one\n10 ten\n' > j; sort n > sorted; join sorted j
(echo a; echo b) > l; (echo b; echo c) > r; comm l r; paste l r; uniq -c l | tr -s ' '; cut -c1 l; nl l
sleep 0.2 & pid=$!; tail --pid=$pid -f /dev/null; echo "tail ended"; wait
(sleep 2; echo appended >> l) & timeout 4 tail -n 1 -f l 2>/dev/null; wait
kill -l 9; test -p copy/fifo && echo fifo; pathchk -p ok && echo path; id -u; whoami; users | wc -l
tr -dc a-z < /dev/urandom | head -c 1000 | wc -c; df /tmp | wc -l; du -s --apparent-size n | cut -f1; sync n && echo synced
stty -F /dev/null 2>&1 | sed 's/.*: //'; tty < /dev/null; arch; sleep 0.01 && echo slept
