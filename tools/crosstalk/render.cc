#include "tools/crosstalk/render.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

std::string local(std::int64_t ms, const char* format) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), format, &parts);
  return text.data();
}

// Who says it, to whom where that is not plain, and what else is to be known of it.
std::string front(const Message& chat, std::string_view own_name) {
  std::string text = shown(chat.send);
  if (!chat.room.empty()) {
    text += " in " + shown(chat.room);
  } else if (chat.recv != own_name) {
    text += " to " + shown(chat.recv);
  }
  if (chat.redelivered) {
    text += " (perhaps again)";
  } else if (chat.stored) {
    text += " (while you were away)";
  }
  return text + ": ";
}

}  // namespace

std::string chat_for_people(const Message& chat, std::string_view own_name, std::int64_t now_ms) {
  const bool today = local(chat.ts, "%F") == local(now_ms, "%F");
  return local(chat.ts, today ? "%H:%M " : "%F %H:%M ") + front(chat, own_name) + shown(chat.content);
}

std::string chat_for_log(const Message& chat, std::string_view own_name) {
  return local(chat.ts, "%F %T ") + front(chat, own_name) + shown(chat.content);
}

std::string outcome_for_people(std::string_view status, std::string_view recipient) {
  if (status == "stored") return "stored for " + shown(recipient) + ", who can't be reached right now";
  if (status == "written") return "written to " + shown(recipient);
  return shown(status) + " to " + shown(recipient);
}

std::string error_for_people(const Message& error) {
  return shown(error.code) + ": " + why_of({Exit::failed, error.code, shown(error.sentence), error.maybe});
}

std::string_view kick_sentence(std::string_view reason) {
  if (reason == "replaced") return "you have logged in somewhere else";
  if (reason == "admin") return "an operator has ended this session";
  if (reason == "slow_consumer") return "too much was waiting to be read, or for too long";
  if (reason == "drain") return "the server is about to stop";
  if (reason == "auth_failed") return "the token is no longer good";
  return "the server has ended this session";
}

std::string users_for_people(const Message& page) {
  std::string text = std::to_string(std::max<std::uint64_t>(page.count, page.users.size())) + " online";
  for (std::size_t i = 0; i < page.users.size(); ++i) text += (i == 0 ? ": " : ", ") + shown(page.users[i]);
  if (page.more.value_or(false) && !page.users.empty()) text += "; /who " + shown(page.users.back()) + " has more";
  for (std::size_t i = 0; i < page.partial.size(); ++i)
    text += (i == 0 ? "; no answer from " : ", ") + shown(page.partial[i]);
  return text;
}

std::string users_json(const Message& page) {
  const auto list = [](const std::vector<std::string>& names) {
    std::string text = "[";
    for (const std::string& name : names) text += (text.size() == 1 ? "" : ",") + quoted(name);
    return text + "]";
  };
  std::string text = R"({"users":)" + list(page.users) + R"(,"count":)" + std::to_string(page.count) + R"(,"more":)" +
                     (page.more.value_or(false) ? "true" : "false");
  if (!page.partial.empty()) text += R"(,"partial":)" + list(page.partial);
  return text + "}";
}

std::string why_of(const Error& error) {
  const bool said = !error.maybe || error.why.find("may have") != std::string::npos;
  return error.why + (said ? "" : "; it may have been done all the same");
}

std::string error_json(const Error& error) {
  return R"({"error":{"code":)" + quoted(error.code) + R"(,"message":)" + quoted(error.why) +
         (error.maybe ? R"(,"maybe":true)" : "") + "}}";
}

std::string local_time(std::int64_t ms) {
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03d", static_cast<int>(((ms % 1000) + 1000) % 1000));
  return local(ms, "%F %T") + fraction.data();
}

std::string in_ms(std::int64_t micros) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f ms",
                micros < 1'000     ? 3
                : micros < 100'000 ? 1
                                   : 0,
                static_cast<double>(micros) / 1000);
  return text.data();
}

}  // namespace crosstalk
