// What people type, and the sentences they are told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/chat/client.h"
#include "src/chat/roll.h"

namespace client {

// One typed line. The parts are borrowed from it.
struct Typed {
  enum class What : std::uint8_t {
    nothing,  // blank
    json,     // begins with {: a pasted request
    login,    // /login NAME
    msg,      // /msg NAME TEXT
    who,      // /who
    help,     // /help
    quit,     // /quit
    text,     // no command: for the one last written to
    misused,  // a command that lacks what it needs; `text` says how it is used
    unknown,  // any other word that begins with /
  };
  What what = What::nothing;
  std::string_view name;
  std::string_view text;
};
Typed read_typed(std::string_view line);

// Lines for a terminal; the last has no end.
inline constexpr std::string_view help_text =
    "/login NAME     log in under a name\r\n"
    "/msg NAME TEXT  send somebody a message; lines that follow go there too\r\n"
    "/who            who is online\r\n"
    "/help           this list\r\n"
    "/quit           leave";

// Appends why a chat failed; `recipient` is empty where it is not known.
// `maybe`: it may have arrived all the same.
void append_failure(std::string& out, chat::Outcome outcome, bool maybe, std::string_view recipient);

// Appends that a chat lies in its recipient's mailbox.
void append_stored(std::string& out, std::string_view recipient);

// Appends who is online, on one line.
void append_shown_roll(std::string& out, const chat::Roll& roll);

// Why the server ends the session.
std::string_view kick_sentence(chat::KickReason why);

}  // namespace client
