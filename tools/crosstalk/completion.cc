#include "tools/crosstalk/completion.h"

namespace crosstalk {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// The flags that go with each verb, as the branches of a `case`.
std::string cases(const std::vector<VerbFlags>& verbs) {
  std::string text;
  for (const VerbFlags& verb : verbs)
    if (!verb.verb.empty()) text += "    " + verb.verb + ") flags=\"" + joined(verb.flags) + "\" ;;\n";
  return text;
}

const VerbFlags& common(const std::vector<VerbFlags>& verbs) { return verbs.front(); }

std::string names(const std::vector<VerbFlags>& verbs) {
  std::string text;
  for (const VerbFlags& verb : verbs)
    if (!verb.verb.empty()) text += (text.empty() ? "" : " ") + verb.verb;
  return text;
}

}  // namespace

std::string bash_completion(const std::vector<VerbFlags>& verbs) {
  return R"(# bash completion for crosstalk: source this, or put it where bash-completion looks.
_crosstalk() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= flags= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case " )" +
         names(verbs) +
         R"( " in
      *" ${COMP_WORDS[i]} "*) verb=${COMP_WORDS[i]}; break ;;
    esac
  done
  COMPREPLY=()
  case $before in
    --token-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh' -- "$word")); return ;;
  esac
  case $verb in
)" + cases(verbs) +
         R"(    *) [[ $word == -* ]] || { COMPREPLY=($(compgen -W ')" + names(verbs) + R"(' -- "$word")); return; } ;;
  esac
  COMPREPLY=($(compgen -W "$flags )" +
         joined(common(verbs).flags) + R"(" -- "$word"))
}
complete -F _crosstalk crosstalk
)";
}

std::string zsh_completion(const std::vector<VerbFlags>& verbs) {
  std::string described;
  for (const VerbFlags& verb : verbs)
    if (!verb.verb.empty()) described += "    '" + verb.verb + ":" + verb.help + "'\n";
  return R"(#compdef crosstalk
# zsh completion for crosstalk: put this as _crosstalk into a directory of $fpath.
_crosstalk() {
  local -a verbs
  local verb flags word
  verbs=(
)" + described +
         R"(  )
  for word in ${words[2,CURRENT-1]}; do
    [[ " )" +
         names(verbs) +
         R"( " == *" $word "* ]] && { verb=$word; break }
  done
  case ${words[CURRENT-1]} in
    --token-file) _files; return ;;
    completion) compadd bash zsh; return ;;
  esac
  case $verb in
)" + cases(verbs) +
         R"(    *) [[ ${words[CURRENT]} == -* ]] || { _describe command verbs; return } ;;
  esac
  compadd -- ${=flags} )" +
         joined(common(verbs).flags) + R"(
}
# As a file of $fpath it is run when it is first asked; sourced, it is made known.
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
  _crosstalk "$@"
else
  compdef _crosstalk crosstalk
fi
)";
}

}  // namespace crosstalk
