#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mkkeymaps.sh OUT   fill the folder OUT with keyboard layouts, NAME.bmap, as loadkmap(8) reads them
#
# They are made of Linux's keymaps (package console-data) by loadkeys (package kbd).  Without these
# packages the folder stays empty: the kernel has the US layout.
set -eu

out=$1
rm -rf "$out"
mkdir -p "$out"
loadkeys=$(PATH=$PATH:/bin:/sbin:/usr/bin:/usr/sbin command -v loadkeys || :)
if [ -z "$loadkeys" ]; then
	echo "  keyboard layouts: only us, because loadkeys is missing (packages kbd, console-data: make setup)"
	exit
fi
# The maps are older than the euro sign, or have it in another character set.
printf 'altgr keycode 18 = U+20ac\n' > "$out/euro"
# Our name (with + after it: AltGr-E is the euro sign), then names of the map in the packages of different distributions.
while read -r name maps; do
	for map in $maps; do
		bmap=$out/${name%+}.bmap
		case $name in
		*+) "$loadkeys" -q -u -b "$map" "$out/euro" > "$bmap" 2>/dev/null && break ;;
		*) "$loadkeys" -q -u -b "$map" > "$bmap" 2>/dev/null && break ;;
		esac
		rm -f "$bmap"
	done
done << 'END'
be+ be-latin1
br br-abnt2
ca cf
ch+ sg-latin1 de_CH-latin1
ch-fr+ fr_CH-latin1
cz cz-lat2 cz
de+ de-latin1 de
dk+ dk-latin1 dk
dvorak dvorak
es+ es
fi+ fi-latin1 fi
fr+ fr-latin9 fr-latin1 fr
hu hu
it+ it
nl+ nl
no+ no-latin1 no
pl pl
pt+ pt-latin1
ro ro
se+ se-latin1 sv-latin1
sk sk-qwertz
tr trqu trq
uk uk
us us
us-intl us-intl.iso01 us-acentos
END
rm "$out/euro"
[ -n "$(ls "$out")" ] || echo "  keyboard layouts: only us, because there are no keymaps (package console-data: make setup)"
