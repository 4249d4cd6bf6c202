# bash completion for saint: asks the program, so it never goes stale. Source it, or install it as completions/saint.
_saint() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} value
    COMPREPLY=()
    case $command in -*) command=ui ;; esac # options alone are the workbench's
    if [ "$COMP_CWORD" -eq 1 ] && [ "${cur#-}" = "$cur" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" --commands 2>/dev/null)" -- "$cur")
        return
    fi
    local options
    options=$("$program" "$command" --help=complete 2>/dev/null) || return
    value=$(awk -v o="$prev" '$1 == o {print $2}' <<<"$options")
    case $value in
    "")
        case $command:$cur in
        export:-* | plot:-*) mapfile -t COMPREPLY < <(compgen -W "$(awk '{print $1}' <<<"$options")" -- "$cur") ;;
        export:* | plot:*) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$(awk '{print $1}' <<<"$options")" -- "$cur") ;;
        esac
        ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    *FILE* | OUT*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    esac
    case $prev in
    --preset) mapfile -t COMPREPLY < <(compgen -W "$("$program" presets 2>/dev/null | awk '/^[a-z]/ {print $1}')" -- "$cur") ;;
    --method) mapfile -t COMPREPLY < <(compgen -W "$("$program" methods 2>/dev/null | awk '/^$/ {exit} /^[a-z]/ {print $1}')" -- "$cur") ;;
    --theme) mapfile -t COMPREPLY < <(compgen -W "dark light contrast" -- "$cur") ;;
    --stage) mapfile -t COMPREPLY < <(compgen -W "vit llm" -- "$cur") ;;
    --split) mapfile -t COMPREPLY < <(compgen -W "train validation test" -- "$cur") ;;
    --dtype) mapfile -t COMPREPLY < <(compgen -W "f32 bf16" -- "$cur") ;;
    --compat) mapfile -t COMPREPLY < <(compgen -W "corrected reference" -- "$cur") ;;
    --shape) mapfile -t COMPREPLY < <(compgen -W "vit-b16-224 vit-l14-336 vit-h14-224 llava-1.5-7b llava-1.5-13b" -- "$cur") ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "csv samples-csv jsonl lmms-eval mme latex markdown" -- "$cur") ;;
    --kind) mapfile -t COMPREPLY < <(compgen -W "pareto curve layers" -- "$cur") ;;
    --suite) mapfile -t COMPREPLY < <(compgen -W "engine gemm select" -- "$cur") ;;
    esac
}
complete -F _saint -o filenames saint
