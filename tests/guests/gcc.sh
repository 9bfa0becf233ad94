#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc compiles programs with threads in the guest; they run there.
cd /tmp && cp /tests/guest/gcc.c . || exit 1
export LC_ALL=C
gcc --version | head -n 1
gcc -O2 -Wall -Werror -pthread -o dynamic gcc.c && ./dynamic; echo "dynamic $?"
gcc -O1 -g -pthread -static -o static gcc.c && ./static | tail -n 1; echo "static $?"
gcc -pipe -O0 -pthread -o piped gcc.c && ./piped | tail -n 1
echo 'int f(void) { return 42; }' > lib.c
echo 'int f(void); int main(void) { return f(); }' > main.c
printf 'all: main\nmain: main.o libf.so\n\tgcc -o $@ main.o -L. -lf -Wl,-rpath,/tmp\n' > Makefile
printf 'libf.so: lib.c\n\tgcc -shared -fPIC -o $@ $<\nmain.o: main.c\n\tgcc -c -o $@ $<\n' >> Makefile
make -s -j4 && ./main; echo "shared library $?"
make | sed 's/\[[0-9]*\]//'; objdump -d main.o | grep -c call; nm libf.so | grep -c ' T f'; readelf -h main | grep Machine
gcc -c nothing.c 2>&1 | tail -n 1; echo 'int main(void) { return x; }' > bad.c; gcc bad.c 2>&1 | grep -c error
