#include "src/node/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <bit>

#include "peer/utf8.h"
#include "src/node/outlet.h"

namespace node {

namespace {

// What a terminal or a reader's eye would not show as it is: controls, C1,
// zero-width, bidirectional and line-separating characters.
bool hidden(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void append_hex(std::string& out, std::string_view start, unsigned value, unsigned digits) {
  out += start;
  for (unsigned i = digits; i-- > 0;) out += "0123456789abcdef"[(value >> (4 * i)) & 0xfU];
}

// One hidden character, or one byte (length 0) that is no UTF-8.
void append_escaped(std::string& out, peer::Utf8 next, char byte, LogFormat format) {
  if (next.length == 0) {
    // JSON has no way to write a stray byte; the replacement character stands for it.
    if (format == LogFormat::json) return void(out += "\\ufffd");
    append_hex(out, "\\x", static_cast<unsigned char>(byte), 2);
  } else if (next.code_point == '\n') {
    out += "\\n";
  } else if (next.code_point < 0x100 && format == LogFormat::logfmt) {
    append_hex(out, "\\x", static_cast<unsigned>(next.code_point), 2);
  } else {
    append_hex(out, "\\u", static_cast<unsigned>(next.code_point), 4);
  }
}

// The value between quotes: the same text escapes in both formats.
std::string escaped(std::string_view value, LogFormat format) {
  std::string out;
  std::size_t taken = 0;
  while (!value.empty()) {
    const peer::Utf8 next = peer::next_utf8(value);
    const std::size_t length = next.length == 0 ? 1 : next.length;
    if ((taken += length) > value_bytes_max) return out += "…";
    if (next.length == 0 || hidden(next.code_point)) {
      append_escaped(out, next, value.front(), format);
    } else {
      if (next.code_point == '"' || next.code_point == '\\') out += '\\';
      out += value.substr(0, length);
    }
    value.remove_prefix(length);
  }
  return out;
}

bool needs_quotes(std::string_view value, std::string_view as_escaped) {
  return value.empty() || value != as_escaped || value.find_first_of(" =") != std::string_view::npos;
}

void append_field(std::string& line, LogFormat format, std::string_view key, std::string_view value) {
  const std::string text = escaped(value, format);
  if (format == LogFormat::json) {
    line.append(line.empty() ? "\"" : ",\"").append(key).append("\":\"").append(text).append("\"");
    return;
  }
  const std::string_view quote = needs_quotes(value, text) ? "\"" : "";
  if (!line.empty()) line += ' ';
  line.append(key).append("=").append(quote).append(text).append(quote);
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
  }
  return {};
}

}  // namespace

// spdlog puts the time before the line and the end behind it; which lines are
// wanted is decided before one is built.
struct Log::Sink final : spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  explicit Sink(LogFormat format) {
    constexpr auto utc = spdlog::pattern_time_type::utc;
    set_formatter(std::make_unique<spdlog::pattern_formatter>(
        format == LogFormat::json ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})" : "ts=%Y-%m-%dT%H:%M:%S.%eZ %v", utc));
  }
  void sink_it_(const spdlog::details::log_msg& line) override {
    spdlog::memory_buf_t bytes;
    formatter_->format(line, bytes);
    written = outlet.write({bytes.data(), bytes.size()});
  }
  void flush_() override {}

  Outlet outlet{STDERR_FILENO};
  bool written = false;  // the last line
};

Log::Log(LogLevel level, LogFormat format, std::string_view node)
    : sink_(std::make_unique<Sink>(format)), level_(level), format_(format), node_(node) {}

Log::~Log() = default;

void Log::debug(std::string_view what, std::initializer_list<Field> fields) { write(LogLevel::debug, what, fields); }
void Log::info(std::string_view what, std::initializer_list<Field> fields) { write(LogLevel::info, what, fields); }
void Log::warn(std::string_view what, std::initializer_list<Field> fields) { write(LogLevel::warn, what, fields); }
void Log::error(std::string_view what, std::initializer_list<Field> fields) { write(LogLevel::error, what, fields); }

void Log::write(LogLevel level, std::string_view what, std::initializer_list<Field> fields) {
  if (level < level_) return;
  catch_up();
  if (dropped_ > 0 || !put(level, what, fields)) ++dropped_;
}

void Log::catch_up() {
  if (dropped_ == 0 || !sink_->outlet.has_room()) return;
  if (put(LogLevel::warn, "lines were dropped", {{"lines", std::to_string(dropped_)}})) dropped_ = 0;
}

bool Log::put(LogLevel level, std::string_view what, std::initializer_list<Field> fields) {
  std::string line;
  append_field(line, format_, "level", name_of(level));
  append_field(line, format_, "node", node_);
  append_field(line, format_, "msg", what);
  for (const Field& field : fields) append_field(line, format_, field.key, field.value);
  sink_->log(spdlog::details::log_msg({}, spdlog::level::info, spdlog::string_view_t(line)));
  return sink_->written;
}

std::uint64_t Repeats::count(std::string_view key) {
  if (counts_.size() >= keys_max && !counts_.contains(std::string(key))) counts_.clear();
  const std::uint64_t times = ++counts_[std::string(key)];
  return std::has_single_bit(times) ? times : 0;
}

void Repeats::forget(std::string_view prefix) {
  std::erase_if(counts_, [prefix](const auto& count) { return count.first.starts_with(prefix); });
}

}  // namespace node
