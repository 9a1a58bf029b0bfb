#include "tools/common/completion.h"

#include <algorithm>
#include <string_view>

namespace tool {

namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
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

// A shell's function may not have a dash everywhere.
std::string function_name(std::string program) {
  std::replace(program.begin(), program.end(), '-', '_');
  return "_" + program;
}

// A branch of a `case` for what takes files; `files` is the shell's way to name them.
std::string file_words(const Grammar& grammar, const std::string& word, const std::string& files) {
  if (grammar.file_verb.empty()) return "";
  return "  [[ $verb != " + grammar.file_verb + " || " + word + " == -* ]] || { " + files + "; return; }\n";
}

std::string names(const std::vector<VerbFlags>& verbs) {
  std::string text;
  for (const VerbFlags& verb : verbs)
    if (!verb.verb.empty()) text += (text.empty() ? "" : " ") + verb.verb;
  return text;
}

}  // namespace

std::string bash_completion(const Grammar& grammar) {
  const std::vector<VerbFlags>& verbs = grammar.verbs;
  const std::string function = function_name(grammar.program);
  const std::string files = R"(COMPREPLY=($(compgen -f -- "$word")))";
  return "# bash completion for " + grammar.program + ": source this, or put it where bash-completion looks.\n" +
         function + R"(() {
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
    )" + joined(grammar.file_flags, "|") +
         ") " + files + R"(; return ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh' -- "$word")); return ;;
  esac
)" + file_words(grammar, "$word", files) +
         R"(  case $verb in
)" + cases(verbs) +
         R"(    *) [[ $word == -* ]] || { COMPREPLY=($(compgen -W ')" + names(verbs) + R"(' -- "$word")); return; } ;;
  esac
  COMPREPLY=($(compgen -W "$flags )" +
         joined(common(verbs).flags) + R"(" -- "$word"))
}
complete -F )" +
         function + " " + grammar.program + "\n";
}

std::string zsh_completion(const Grammar& grammar) {
  const std::vector<VerbFlags>& verbs = grammar.verbs;
  const std::string function = function_name(grammar.program);
  std::string described;
  for (const VerbFlags& verb : verbs)
    if (!verb.verb.empty()) described += "    '" + verb.verb + ":" + verb.help + "'\n";
  return "#compdef " + grammar.program + "\n# zsh completion for " + grammar.program + ": put this as " + function +
         " into a directory of $fpath.\n" + function + R"(() {
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
    )" + joined(grammar.file_flags, "|") +
         R"() _files; return ;;
    completion) compadd bash zsh; return ;;
  esac
)" + file_words(grammar, "${words[CURRENT]}", "_files") +
         R"(  case $verb in
)" + cases(verbs) +
         R"(    *) [[ ${words[CURRENT]} == -* ]] || { _describe command verbs; return } ;;
  esac
  compadd -- ${=flags} )" +
         joined(common(verbs).flags) + R"(
}
# As a file of $fpath it is run when it is first asked; sourced, it is made known.
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
  )" + function +
         R"( "$@"
else
  compdef )" +
         function + " " + grammar.program + "\nfi\n";
}

std::string completion(const Grammar& grammar, const std::string& shell) {
  return shell == "bash" ? bash_completion(grammar) : zsh_completion(grammar);
}

}  // namespace tool
