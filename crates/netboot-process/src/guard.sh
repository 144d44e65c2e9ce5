# The guard: ends a process group when the caller ends without doing so, for example by SIGKILL.
#
# Standard input is a pipe from the caller. Its only line holds the number of the group and the grace
# time in seconds. The pipe is closed when the caller ends. A caller that has ended the group itself
# kills this shell.
#
# Processes are read from /proc/<number>/stat: number, (name), state, parent, group; the start time is
# field 22. The name may hold spaces, so fields are counted behind it.
read -r group grace || exit
read -r _

# Prints each descendant of the process $1 as "number:start time".
descendants() {
    for file in /proc/[0-9]*/stat; do
        read -r stat < "$file" || continue
        child=${stat%% *}
        set -- "$1" ${stat##*) }
        if [ "$3" = "$1" ]; then
            echo "$child:${21}"
            (descendants "$child")
        fi
    done
} 2> /dev/null

start_time() {
    read -r stat < "/proc/$1/stat" || return
    set -- ${stat##*) }
    echo "${20}"
} 2> /dev/null

# Succeeds if a process of the group runs. Init may not wait for one that has ended, a zombie.
group_runs() {
    kill -s 0 -- "-$group" || return
    for file in /proc/[0-9]*/stat; do
        read -r stat < "$file" || continue
        set -- ${stat##*) }
        if [ "$3" = "$group" ] && [ "$1" != Z ]; then
            return
        fi
    done
    return 1
} 2> /dev/null

left=$(descendants "$group")
kill -s TERM -- "-$group" || exit
while group_runs; do
    if [ "$grace" -le 0 ]; then
        left="$left $(descendants "$group")"
        kill -s KILL -- "-$group"
        break
    fi
    grace=$((grace - 1))
    sleep 1
done
# A process that has the number but another start time is not the one that was seen.
for process in $left; do
    [ "$(start_time "${process%:*}")" = "${process#*:}" ] && kill -s KILL "${process%:*}"
done
