# bash completion for saint: asks the program, so it never goes stale. Source it, or install it as completions/saint.
_saint() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} value
    COMPREPLY=()
    case $command in -*) command=ui ;; esac # options alone are the workbench's
    if { [ "$COMP_CWORD" -eq 1 ] && [ "${cur#-}" = "$cur" ]; } || { [ "$COMP_CWORD" -eq 2 ] && [ "$command" = help ]; }; then
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
    # words of an option's own: those of the program where it lists them
    local words=
    case $command:$prev in
    export:--format) words="csv samples-csv jsonl lmms-eval mme latex markdown text" ;;
    plot:--kind) words="pareto curve layers" ;;
    bench:--suite) words="engine gemm select sweep" ;;
    sweep:--method) words="grid random lhs sobol" ;;
    *:--method) words=$("$program" methods 2>/dev/null | awk '/^$/ {exit} /^[a-z]/ {print $1}') ;;
    *:--preset) words=$("$program" presets 2>/dev/null | awk '/^[a-z]/ {print $1}') ;;
    *:--model) words=$("$program" models 2>/dev/null | awk -F: '/^[a-z].*: / {print $1}') ;;
    *:--data) words="scenes mme: pope: scienceqa: textvqa: vqav2: gqa: mmbench: seed: vizwiz: imagefolder: manifest: images:" ;;
    *:--set | *:--grid) words=$("$program" methods 2>/dev/null | awk '/^parameters$/ {on = 1} /^compat flags/ {print "compat="} on && /^  [A-Za-z]/ {print $1 "="}') ;;
    *:--parser) words="lmms official" ;;
    *:--prompts) words="lmms llava" ;;
    *:--theme) words="dark light contrast" ;;
    *:--stage) words="vit llm" ;;
    *:--split) words="train validation test" ;;
    *:--dtype) words="f32 bf16 f16" ;;
    *:--compat) words="corrected reference" ;;
    *:--backend) words="cpu cuda auto" ;;
    *:--tier) words="generic avx2 avx512 avx512bf16" ;;
    *:--template) words="vicuna_v1 llava_hf plain" ;;
    *:--image-mode) words="pad crop stretch" ;;
    *:--shape) words="vit-b16-224 vit-l14-336 vit-h14-224 llava-1.5-7b llava-1.5-13b" ;;
    esac
    if [ -n "$words" ]; then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$cur")
        case ${COMPREPLY[0]-} in *= | *:) [ ${#COMPREPLY[@]} -gt 1 ] || compopt -o nospace 2>/dev/null ;; esac
    fi
}
complete -F _saint -o filenames saint
