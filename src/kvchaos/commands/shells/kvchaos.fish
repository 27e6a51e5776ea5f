function _kvchaos_completion
    set -l word (commandline -ct)
    set -l option (string match -r -- '^--[^=]+=' $word) # kvchaos answers without it, fish wants it
    set -l told (_KVCHAOS_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=$word kvchaos 2>/dev/null)

    for line in $told
        set -l part (string split -m 1 , -- $line)
        switch $part[1]
            case dir
                printf "$option%s\n" (__fish_complete_directories $part[2])
            case file
                printf "$option%s\n" (__fish_complete_path $part[2])
            case plain
                printf "$option%s\n" $part[2]
        end
    end
end

complete --no-files --command kvchaos --arguments "(_kvchaos_completion)"
