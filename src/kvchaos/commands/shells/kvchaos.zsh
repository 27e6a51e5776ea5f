#compdef kvchaos

_kvchaos_completion() {
    local -a told plain described
    local type value about found=1
    (( $+commands[kvchaos] )) || return 1
    told=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) _KVCHAOS_COMPLETE=zsh_complete kvchaos 2>/dev/null)}")
    compset -P '--*='  # kvchaos answers without the option's name, which stays

    for type value about in "${(@)told}"; do
        case $type in
            dir) _path_files -/ && found=0 ;;
            file) _path_files -f && found=0 ;;
            plain) [[ $about == _ ]] && plain+=("$value") || described+=("$value:$about") ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described && found=0
    (( $#plain )) && compadd -V unsorted -a plain && found=0
    return found
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _kvchaos_completion "$@"  # as a file in fpath
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _kvchaos_completion kvchaos
fi
