# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# debian.sh - what scripts that unpack Debian's packages share; to be sourced.
#
# Depends: apt, flock; $me, the script's name, is set. Progress goes to stderr.
cache=${NVMET_P2P_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nvmet-p2p}

say() {
	echo "$me: $*" >&2
}

die() {
	say "$*"
	exit 1
}

# The site that most of Debian's own indexes come from; the security archive has no plain suites.
site_of_apt() {
	# shellcheck disable=SC2016 # apt replaces these, not the shell
	apt-get indextargets --format '$(SITE) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
		awk '$2 == "Debian" && $3 == "Debian" { print $1 }' | sort | uniq -c | sort -rn |
		awk 'NR == 1 { print $2 }'
}

mirror() {
	local site
	site=$(site_of_apt)
	if [[ -z $site ]]; then
		say "apt knows no origins before its first update: apt-get update"
		apt-get -qq update >&2
		site=$(site_of_apt)
	fi
	[[ -n $site ]] || die "apt has no Debian mirror in its set-up"
	echo "$site"
}

# folder_by_recipe PREFIX HASH COMMAND...: the cache's folder PREFIX<HASH>. COMMAND WORK READY makes
# it, if it is not there, by moving something within WORK to READY; folders of old recipes go.
folder_by_recipe() {
	local prefix=$1 folder=$cache/$1$2 work
	shift 2
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock -n 9 || { say "waiting for another run" && flock 9; }
	if [[ ! -d $folder ]]; then
		[[ $EUID -eq 0 ]] || die "making $folder needs root"
		rm -rf --one-file-system "$cache"/building.* # of a run that was killed: we hold the lock
		work=$(mktemp -d "$cache/building.XXXXXX")
		# shellcheck disable=SC2064 # the name is known now only
		trap "rm -rf --one-file-system '$work'" EXIT
		"$@" "$work" "$folder" 9>&-
		find "$cache" -mindepth 1 -maxdepth 1 -type d ! -path "$folder" ! -path "$work" \
			-regextype posix-extended -regex ".*/$prefix[0-9a-f]{16}" -exec rm -rf {} +
	fi
	echo "$folder"
}
