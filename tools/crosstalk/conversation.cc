#include "tools/crosstalk/conversation.h"

#include "tools/crosstalk/text.h"
#include "tools/crosstalk/typed.h"

namespace crosstalk {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

std::vector<std::string> Conversation::typed(std::string_view line, Now now) {
  const Typed typed = read_typed(line);
  switch (typed.what) {
    case Typed::What::nothing: return {};
    case Typed::What::msg: partner_ = typed.name; return say(typed.text);
    case Typed::What::text:
      if (partner_.empty()) return {"say to whom first: /msg NAME TEXT, or /help"};
      return say(typed.text);
    case Typed::What::who: talk_.ask_who(typed.name); return {};
    case Typed::What::help: return lines_of(typed_help);
    case Typed::What::quit: talk_.leave(now); return {};
    case Typed::What::misused: return {typed.text};
  }
  return {};
}

std::vector<std::string> Conversation::say(std::string_view text) {
  if (talk_.full()) return {"too much has no outcome yet; this was not sent"};
  talk_.say(partner_, quoted(text));
  return {};
}

std::string Conversation::prompt() const {
  std::string text = partner_.empty() ? shown(name_) : "to " + shown(partner_);
  if (!talk_.connected()) {
    text += " (not connected)";
  } else if (const std::size_t pending = talk_.without_outcome(); pending > 0) {
    text += " (" + std::to_string(pending) + " on the way)";
  } else if (!talk_.last_status().empty()) {
    text += " (" + shown(talk_.last_status()) + ")";
  }
  return text + "> ";
}

}  // namespace crosstalk
