// What the protocol says, in words for people: one line each, without its end,
// fit for a terminal. Pure, but for the time zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/crosstalk/exit.h"
#include "tools/crosstalk/message.h"

namespace crosstalk {

// A chat in a conversation: "12:03 bob: how are you", with the day where it is not
// that of `now_ms`.
std::string chat_for_people(const Message& chat, std::string_view own_name, std::int64_t now_ms);
// The same for a file: "2026-11-20 12:03:11 bob: how are you".
std::string chat_for_log(const Message& chat, std::string_view own_name);

// "delivered to bob", "stored for bob, who is away".
std::string outcome_for_people(std::string_view status, std::string_view recipient);
// "no_such_user: nobody called bob is online".
std::string error_for_people(const Message& error);
// "you have logged in somewhere else".
std::string_view kick_sentence(std::string_view reason);
// "3 online: alice, bob; /who bob has more".
std::string users_for_people(const Message& page);
// A page as a program reads it: {"users":[…],"count":…,"more":…,"partial":[…]}.
std::string users_json(const Message& page);

// The sentence, and that it may have been done, unless the sentence says so.
std::string why_of(const Error& error);
// As a program reads it: {"error":{"code":…,"message":…}}.
std::string error_json(const Error& error);

// "2026-11-20 12:03:11.042" of milliseconds since the epoch.
std::string local_time(std::int64_t ms);

// "0.420 ms" of microseconds.
std::string in_ms(std::int64_t micros);

}  // namespace crosstalk
