// The log: one line an event, to standard error, as logfmt or JSON.
//
// Never secrets, never contents of chats. What others sent is escaped and cut
// at `value_bytes_max`. A failure that repeats is told first and then at
// doublings (see Repeats). Never waits for who reads it: lines that can't be
// written are dropped and counted, and the count is told once one can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "src/node/config.h"

namespace node {

struct Field {
  std::string_view key;
  std::string value;
};

// Of a message and of each value; what is longer ends in "…".
inline constexpr std::size_t value_bytes_max = 1024;

class Log {
 public:
  Log(LogLevel level, LogFormat format, std::string_view node);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void debug(std::string_view what, std::initializer_list<Field> = {});
  void info(std::string_view what, std::initializer_list<Field> = {});
  void warn(std::string_view what, std::initializer_list<Field> = {});
  void error(std::string_view what, std::initializer_list<Field> = {});

  void change(LogLevel level) { level_ = level; }

  // Tells how many lines were dropped, where some were and it can be written. To
  // be called now and then; every line does.
  void catch_up();

 private:
  void write(LogLevel, std::string_view what, std::initializer_list<Field>);
  bool put(LogLevel, std::string_view what, std::initializer_list<Field>);
  struct Sink;
  std::unique_ptr<Sink> sink_;
  LogLevel level_;
  LogFormat format_;
  std::string node_;
  std::uint64_t dropped_ = 0;
};

// Counts what repeats: tells the first time, the second, the fourth, the
// eighth … of each key; over `keys_max` keys all are forgotten and counting
// begins anew, so memory is bounded.
class Repeats {
 public:
  // How often it has happened, where that is worth a line now; else 0.
  std::uint64_t count(std::string_view key);
  // It is over (the peer is back): the next time of every key that begins so
  // counts as the first.
  void forget(std::string_view prefix);

 private:
  static constexpr std::size_t keys_max = 1024;
  std::unordered_map<std::string, std::uint64_t> counts_;
};

}  // namespace node
