# Waits until the pipe to its parent is closed, which a parent does that ends without a word, and then
# ends the process group that it was told of: it asks, gives it time in seconds, and kills what is
# left, with all that has it as an ancestor. Nix's builders are in sessions of their own, and only
# Nix can end them in order.
read -r group seconds || exit
read -r _
descendants() {
    for status in /proc/[0-9]*/status; do
        while read -r name value _; do
            case $name in PPid:)
                if [ "$value" = "$1" ]; then
                    child=${status#/proc/}
                    echo "${child%/status}"
                    (descendants "${child%/status}")
                fi
                break
            esac
        done < "$status"
    done 2> /dev/null
}
kill -s TERM -- "-$group" || exit
while kill -s 0 -- "-$group"; do
    if [ "$seconds" -le 0 ]; then
        kill -s KILL -- "-$group" $(descendants "$group")
        exit
    fi
    seconds=$((seconds - 1))
    sleep 1
done
