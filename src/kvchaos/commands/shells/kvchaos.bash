# Bash takes --view=live and a context such as arn:aws:eks apart at = and :, and replaces only what
# stands behind the last of them; kvchaos is asked for the whole word.
_kvchaos_completion() {
    local IFS=$'\n' part last type value kept
    local -a words=()
    for part in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        last=${words[*]: -1}
        if [[ ${#words[@]} -gt 1 && ($part == [:=]* || $last == *[:=]) && $COMP_LINE == *"$last$part"* ]]; then
            words[-1]=$last$part
        else
            words+=("$part")
        fi
    done
    last=${words[-1]}
    part=${COMP_WORDS[COMP_CWORD]}
    [[ $part == [:=]* ]] && part=
    kept=${last%"$part"}
    [[ $last == --*=* ]] && kept=${kept#*=}

    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$kept"}") ;;
        esac
    done < <(COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) _KVCHAOS_COMPLETE=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F _kvchaos_completion kvchaos
