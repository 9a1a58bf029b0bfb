#include "src/client/human.h"

#include "src/client/text.h"

namespace client {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view without_leading_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// Takes the first word off `text`, and the one blank behind it.
std::string_view take_word(std::string_view& text) {
  text = without_leading_blanks(text);
  const std::size_t end = text.find_first_of(blanks);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

void append_recipient(std::string& out, std::string_view name) {
  if (name.empty()) {
    out += "the recipient";
  } else {
    append_shown(out, name);
  }
}

}  // namespace

Typed read_typed(std::string_view line) {
  using What = Typed::What;
  std::string_view rest = without_leading_blanks(line);
  if (rest.empty()) return {};
  if (rest.front() == '{') return {What::json, {}, rest};
  if (rest.front() != '/') return {What::text, {}, line};

  const std::string_view command = take_word(rest);
  if (command == "/help") return {What::help, {}, {}};
  if (command == "/quit") return {What::quit, {}, {}};
  if (command == "/login") {
    const std::string_view name = take_word(rest);
    return name.empty() ? Typed{What::misused, {}, "type /login NAME"} : Typed{What::login, name, {}};
  }
  if (command == "/msg") {
    const std::string_view name = take_word(rest);
    return without_leading_blanks(rest).empty() ? Typed{What::misused, {}, "type /msg NAME TEXT"}
                                                : Typed{What::msg, name, rest};
  }
  if (command == "/who") {
    return without_leading_blanks(rest).empty() ? Typed{What::who, {}, {}}
                                                : Typed{What::misused, {}, "rooms are not available; type /who"};
  }
  return {What::unknown, {}, {}};
}

void append_failure(std::string& out, chat::Outcome outcome, bool maybe, std::string_view recipient) {
  switch (outcome) {
    case chat::Outcome::delivered:
    case chat::Outcome::written:
    case chat::Outcome::stored: return;
    case chat::Outcome::no_such_user:
      if (recipient.empty()) {
        out += "the recipient is not online";
      } else {
        out += "nobody called ";
        append_shown(out, recipient);
        out += " is online";
      }
      break;
    case chat::Outcome::mailbox_full:
      append_recipient(out, recipient);
      out += " can't be reached right now, and no more can be stored";
      break;
    case chat::Outcome::busy: out += "too much is on its way to this recipient; try again in a moment"; break;
    case chat::Outcome::unavailable:
      append_recipient(out, recipient);
      out += " can't be reached right now";
      break;
  }
  if (maybe) out += "; it may have arrived";
}

void append_stored(std::string& out, std::string_view recipient) {
  out += "stored for ";
  append_recipient(out, recipient);
  out += ", who can't be reached right now";
}

void append_shown_roll(std::string& out, const chat::Roll& roll) {
  out += std::to_string(roll.count) + " online:";
  for (const std::string& name : roll.names) {
    out += ' ';
    append_shown(out, name);
  }
  if (roll.more) out += " …";
  if (roll.silent.empty()) return;
  out += "; no answer from";
  for (const std::string& node : roll.silent) out += " " + node;
}

std::string_view kick_sentence(chat::KickReason why) {
  switch (why) {
    case chat::KickReason::replaced: return "you have logged in somewhere else";
    case chat::KickReason::admin: return "an administrator has ended your session";
    case chat::KickReason::slow_consumer: return "too much was waiting to be read, or for too long";
    case chat::KickReason::drain: return "this server is about to stop; come back in a moment";
  }
  return {};
}

}  // namespace client
