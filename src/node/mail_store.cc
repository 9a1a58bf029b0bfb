#include "src/node/mail_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "src/node/mail_script.h"

namespace node {

namespace {

// A little before io::Redis::silence_max.
constexpr peer::Millis late_after{900};
// Tells Redis's clock well enough; until there is one, any does. A slow one makes
// it seem behind, and what is stored seem late sooner than it is.
constexpr peer::Millis prompt_answer{50};
// Names of one wake, together.
constexpr std::size_t wake_bytes_max = 4096;

// A whole number at the beginning of `text`, which is taken off it together with
// one separator behind it.
std::uint64_t take_number(std::string_view& text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc()) value = 0;
  text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(end - text.data()) + 1));
  return value;
}

// MS-SEQ, as Redis writes the place of an entry.
chat::EntryId parse_entry_id(std::string_view text) {
  const std::uint64_t ms = take_number(text, 10);
  return {ms, take_number(text, 10)};
}
std::string to_text(chat::EntryId at) { return std::to_string(at.ms) + "-" + std::to_string(at.seq); }

// FROM:TO:SEQ, hexadecimal; empty where there is none.
chat::Via parse_via(std::string_view text) {
  const auto from = static_cast<peer::Incarnation>(take_number(text, 16));
  const auto to = static_cast<peer::Incarnation>(take_number(text, 16));
  return {from, to, take_number(text, 16)};
}
// What lies under the key of a mailbox is somebody else's.
bool is_no_mailbox(const io::Reply& reply) { return reply.text().find("WRONGTYPE") != std::string_view::npos; }

std::string to_text(const chat::Via& via) {
  if (via.seq == 0) return {};
  std::array<char, 16> seq{};
  const auto end = std::to_chars(seq.data(), seq.data() + seq.size(), via.seq, 16).ptr;
  return to_string(via.from) + ":" + to_string(via.to) + ":" + std::string(seq.data(), end);
}

}  // namespace

MailStore::MailStore(io::Loop& loop, Log& log, std::string_view cluster, std::string_view node, io::RedisPlace place,
                     Limits limits, chat::Store::Keeper& keeper, Events events)
    : loop_(loop),
      log_(log),
      prefix_("crosstalk:{" + std::string(cluster) + "}:"),
      limits_(limits),
      keeper_(keeper),
      events_(std::move(events)),
      refusal_timer_(loop,
                     [this] {
                       for (const Op& op : std::exchange(refused_, {})) fail(op, Stored::unavailable);
                     }),
      retry_timer_(loop, [this] { retry(); }),
      redis_(loop, std::move(place), {prefix_ + "wake:" + std::string(node)}, *this) {}

MailStore::~MailStore() {
  closing_ = true;
  loop_.forget(*this);
}

// --- What is asked.

std::size_t MailStore::Op::size() const {
  switch (kind) {
    case Kind::append:
    case Kind::mark:
    case Kind::wake: return 1;
    case Kind::take: return 4;
    case Kind::remove: return at.size();
  }
  return 1;
}

void MailStore::ask(Op op) {
  const bool may_wait = up() && waiting() < waiting_max && waiting_bytes_ + op.bytes() <= waiting_bytes_max;
  if (!may_wait && !op.owed()) {
    if (up() && op.kind == Op::Kind::take) take_failed_ = true, retry_later();
    refused_.push_back(std::move(op));
    return refusal_timer_.at(loop_.now());
  }
  waiting_bytes_ += op.bytes();
  op.number = ++asked_;
  queue_of(op.kind).push_back(std::move(op));
  loop_.mark_dirty(*this);
}

void MailStore::append(std::uint64_t token, const chat::Mail& mail) {
  ask({Op::Kind::append,
       token,
       std::string(mail.user),
       {std::string(mail.line), std::string(mail.sender), std::string(mail.id), mail.may_repeat ? "1" : "",
        to_text(mail.via)},
       {}});
}

void MailStore::take(std::uint64_t token, std::string_view user, chat::EntryId after) {
  ask({Op::Kind::take, token, std::string(user), {}, {after}});
}

// One entry more is to be removed or marked.
bool MailStore::may_owe(std::size_t& entries, std::size_t max, std::string_view otherwise) {
  if (entries < max) return ++entries, true;
  if (const std::uint64_t times = repeats_.count(otherwise)) log_.warn(otherwise, {{"times", std::to_string(times)}});
  return false;
}

// A session that drains its mailbox removes entry after entry.
void MailStore::remove(std::string_view user, chat::EntryId at) {
  if (!may_owe(removals_, removals_max, "too much to remove from mailboxes, some chats will be seen again")) return;
  std::deque<Op>& queue = up() ? looks_ : owed_;
  if (!queue.empty()) {
    Op& last = queue.back();
    if (last.kind == Op::Kind::remove && last.name == user && last.size() < command_size_max)
      return last.at.push_back(at);
  }
  Op op{Op::Kind::remove, 0, std::string(user), {}, {at}};
  if (up()) return ask(std::move(op));
  owed_.push_back(std::move(op));
}

void MailStore::mark(std::string_view user, std::string_view sender, std::string_view id) {
  if (!may_owe(marks_, marks_max, "too much to mark in mailboxes, some chats may be seen again unmarked")) return;
  Op op{Op::Kind::mark, 0, std::string(user), {std::string(sender), std::string(id)}, {}};
  if (up()) return ask(std::move(op));
  owed_.push_back(std::move(op));
}

void MailStore::wake(std::string_view node, std::string_view user) {
  if (!up()) return;
  if (!stores_.empty()) {
    Op& last = stores_.back();
    if (last.kind == Op::Kind::wake && last.name == node && last.bytes() + 1 + user.size() <= wake_bytes_max) {
      waiting_bytes_ += 1 + user.size();
      last.words.front().append(" ").append(user);
      return;
    }
  }
  ask({Op::Kind::wake, 0, std::string(node), {std::string(user)}, {}});
}

// --- What is sent.

void MailStore::flush() noexcept {
  while (waiting() > 0 && out_.size() < commands_max) send_some();
}

// A take has to stay behind the removals of its mailbox. To an append it is all the
// same: whoever has stored makes its recipient's node look again.
std::deque<MailStore::Op>& MailStore::queue_of(Op::Kind kind) {
  return kind == Op::Kind::append || kind == Op::Kind::wake ? stores_ : looks_;
}

std::deque<MailStore::Op>& MailStore::next_queue() {
  if (looks_.empty() || stores_.empty()) return looks_.empty() ? stores_ : looks_;
  const bool is_older = looks_.front().number < stores_.front().number;
  return (stores_.size() > crowd ? looks_first_ : is_older) ? looks_ : stores_;
}

void MailStore::send_some() {
  looks_first_ = !looks_first_;
  std::vector<Op> batch;
  std::size_t size = 0;
  std::size_t bytes = 0;
  while (waiting() > 0) {
    std::deque<Op>& queue = next_queue();
    Op& next = queue.front();
    size += next.size();
    bytes += next.bytes();
    if (!batch.empty() && (size > command_size_max || bytes > command_bytes_max)) break;
    waiting_bytes_ -= next.bytes();
    batch.push_back(std::move(next));
    queue.pop_front();
  }
  const std::vector<std::string> argv = command(batch);
  out_.push_back(loop_.now());
  redis_.command(argv, [this, batch = std::move(batch)](io::Reply reply) mutable { answered(batch, reply); });
}

// The lines go into it; what may have to be asked again stays in the batch.
std::vector<std::string> MailStore::command(std::vector<Op>& batch) const {
  std::vector<std::string> argv{script_sha_.empty() ? "EVAL" : "EVALSHA",
                                script_sha_.empty() ? mail_script : script_sha_, std::to_string(batch.size())};
  for (const Op& op : batch) argv.push_back(prefix_ + (op.kind == Op::Kind::wake ? "wake:" : "mail:") + op.name);
  argv.push_back(std::to_string(limits_.max));
  argv.push_back(std::to_string(limits_.ttl.count()));
  argv.push_back(std::to_string(limits_.page_bytes));
  argv.push_back(due());
  for (Op& op : batch) {
    switch (op.kind) {
      case Op::Kind::append: argv.push_back("a"); break;
      case Op::Kind::take: argv.push_back("t"); break;
      case Op::Kind::remove: argv.insert(argv.end(), {"r", std::to_string(op.at.size())}); break;
      case Op::Kind::mark: argv.push_back("m"); break;
      case Op::Kind::wake: argv.push_back("w"); break;
    }
    argv.insert(argv.end(), op.words.begin(), op.words.end());
    if (!op.owed()) op.words.clear();
    for (const chat::EntryId at : op.at) argv.push_back(to_text(at));
  }
  return argv;
}

// Redis counts as down when the oldest command out is unanswered for that long;
// what it does with the others afterwards, nobody waits for any more.
std::string MailStore::due() const {
  if (!redis_ahead_) return {};
  const peer::Time oldest = out_.empty() ? loop_.now() : out_.front();
  return std::to_string(std::chrono::duration_cast<peer::Millis>(oldest).count() + redis_ahead_->count() +
                        late_after.count());
}

void MailStore::note_clock(const io::Reply& answers, peer::Time sent) {
  const peer::Time now = loop_.now();
  if (answers.size() == 0 || (redis_ahead_ && now - sent > prompt_answer)) return;
  redis_ahead_ = peer::Millis(answers[answers.size() - 1].integer()) - std::chrono::duration_cast<peer::Millis>(now);
}

// --- What is answered.

void MailStore::answered(std::vector<Op>& batch, const io::Reply& reply) {
  if (closing_) return;
  const peer::Time sent = out_.front();
  out_.pop_front();
  if (waiting() > 0) loop_.mark_dirty(*this);
  const bool forgotten = reply.kind() == io::Reply::Kind::error && reply.text().starts_with("NOSCRIPT");
  if (forgotten && !std::exchange(script_sha_, {}).empty()) load_script();
  const bool listed = reply.kind() == io::Reply::Kind::list;
  if (listed) note_clock(reply, sent);
  for (std::size_t i = 0; i < batch.size(); ++i) settle(batch[i], listed ? reply[i] : reply);
}

void MailStore::settle(Op& op, const io::Reply& reply) {
  switch (op.kind) {
    case Op::Kind::append: return appended(op.token, reply);
    case Op::Kind::take: return taken(op, reply);
    case Op::Kind::remove:
    case Op::Kind::mark: return seen_to(op, reply);
    case Op::Kind::wake: return;
  }
}

void MailStore::appended(std::uint64_t token, const io::Reply& reply) {
  if (reply.kind() == io::Reply::Kind::none) return keeper_.on_stored(token, Stored::unknown);
  if (reply.text() == "yes" || reply.text() == "full") {
    content();
    return keeper_.on_stored(token, reply.text() == "yes" ? Stored::yes : Stored::full);
  }
  complain("redis refuses to store a chat", reply);
  keeper_.on_stored(token, Stored::unavailable);
}

void MailStore::taken(Op& op, const io::Reply& reply) {
  if (reply.text() == "again" || reply.text().starts_with("NOSCRIPT")) {
    looks_.push_front(std::move(op));
    return loop_.mark_dirty(*this);
  }
  if (reply.kind() == io::Reply::Kind::none) return keeper_.on_taken(op.token, {});
  if (reply.kind() != io::Reply::Kind::list) {
    complain("redis refuses to read a mailbox", reply);
    if (is_no_mailbox(reply)) return keeper_.on_taken(op.token, {true, 0, false, {}});
    take_failed_ = true;
    retry_later();
    return keeper_.on_taken(op.token, {});
  }
  content();
  const chat::EntryId mark = parse_entry_id(reply[2].text());
  if (const long long foreign = reply[3].integer(); foreign > 0)
    log_.warn("entries that no node has written were removed from a mailbox",
              {{"user", op.name}, {"entries", std::to_string(foreign)}});
  const io::Reply page = reply[4];
  std::vector<Entry> entries;
  entries.reserve(page.size());
  for (std::size_t i = 0; i < page.size(); ++i) {
    const io::Reply of = page[i];
    const chat::EntryId at = parse_entry_id(of[0].text());
    entries.push_back({at, of[1].text(), of[2].text(), of[3].text(), !of[4].text().empty(),
                       at <= mark || !of[6].text().empty(), parse_via(of[5].text())});
  }
  keeper_.on_taken(op.token, {true, static_cast<std::size_t>(reply[0].integer()), reply[1].integer() != 0, entries});
}

void MailStore::seen_to(Op& op, const io::Reply& reply) {
  if (reply.kind() == io::Reply::Kind::integer || is_no_mailbox(reply)) {
    (op.kind == Op::Kind::mark ? marks_ : removals_) -= op.size();
    return;
  }
  if (reply.kind() != io::Reply::Kind::none) {
    complain(op.kind == Op::Kind::mark ? "redis refuses to mark a chat" : "redis refuses to remove chats", reply);
    retry_later();
  }
  owed_.push_back(std::move(op));
}

void MailStore::fail(const Op& op, Stored how) {
  switch (op.kind) {
    case Op::Kind::append: return keeper_.on_stored(op.token, how);
    case Op::Kind::take: return keeper_.on_taken(op.token, {});
    case Op::Kind::remove:
    case Op::Kind::mark:
    case Op::Kind::wake: return;
  }
}

void MailStore::complain(std::string_view what, const io::Reply& reply) {
  complaining_ = true;
  if (const std::uint64_t times = repeats_.count("refused " + std::string(what)))
    log_.warn(what, {{"why", std::string(reply.text().substr(0, 200))}, {"times", std::to_string(times)}});
}

void MailStore::content() {
  retry_in_ = retry_after;
  if (std::exchange(complaining_, false)) repeats_.forget("refused ");
}

// --- Up, and yet it refuses.

void MailStore::retry_later() {
  if (std::exchange(retrying_, true)) return;
  retry_timer_.at(loop_.now() + retry_in_);
  retry_in_ = std::min(2 * retry_in_, retry_after_max);
}

void MailStore::retry() {
  retrying_ = false;
  for (Op& op : std::exchange(owed_, {})) ask(std::move(op));
  if (std::exchange(take_failed_, false)) keeper_.on_store_up();
}

void MailStore::forget_retry() {
  retry_timer_.stop();
  retrying_ = take_failed_ = false;
  retry_in_ = retry_after;
}

// --- Redis comes and goes.

void MailStore::on_redis_up() noexcept {
  log_.info("mailboxes up");
  repeats_.forget("down");
  if (!std::exchange(was_up_, true)) warn_if_forgetful();
  load_script();
  for (Op& op : std::exchange(owed_, {})) ask(std::move(op));
  keeper_.on_store_up();
  events_.up();
  if (const auto settled = std::exchange(events_.settled, {})) settled();
}

void MailStore::on_redis_down(std::string_view why) noexcept {
  if (const std::uint64_t times = repeats_.count("down"))
    log_.warn("mailboxes down", {{"why", std::string(why)}, {"times", std::to_string(times)}});
  script_sha_.clear();
  forget_retry();
  waiting_bytes_ = 0;
  for (std::deque<Op>* queue : {&looks_, &stores_})
    for (Op& op : std::exchange(*queue, {})) op.owed() ? owed_.push_back(std::move(op)) : fail(op, Stored::unavailable);
  if (const auto settled = std::exchange(events_.settled, {})) settled();
}

void MailStore::on_redis_message(std::string_view, std::string_view payload) noexcept {
  while (!payload.empty()) {
    const std::size_t end = std::min(payload.find(' '), payload.size());
    const std::string_view user = payload.substr(0, end);
    payload.remove_prefix(std::min(end + 1, payload.size()));
    if (peer::valid_user_name(user)) keeper_.on_wake(user);
  }
}

// Until it is answered, and where it is refused, the whole script goes with each
// command.
void MailStore::load_script() {
  redis_.command({"SCRIPT", "LOAD", mail_script}, [this](io::Reply reply) {
    if (!closing_ && reply.kind() == io::Reply::Kind::text) script_sha_ = reply.text();
  });
}

void MailStore::warn_if_forgetful() {
  redis_.command({"CONFIG", "GET", "appendonly"}, [this](io::Reply reply) {
    if (!closing_ && reply.size() == 2 && reply[1].text() == "no")
      log_.warn("stored chats do not survive a crash of Redis: appendonly is no");
  });
}

}  // namespace node
