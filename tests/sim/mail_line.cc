#include "tests/sim/mail_line.h"

#include <algorithm>

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr Micros silence_max = 1s;
constexpr Micros watch_every = 300ms;
constexpr std::size_t out_max = 256;
constexpr std::size_t page_max = 64;
// How often what can't get through is tried again.
constexpr Micros retransmit = 40ms;
// Bytes of a connection that its host has given up get through this late at most.
constexpr std::uint64_t orphan_us_max = 20'000'000;

std::uint64_t latency_of(peer::Chance& chance) {
  switch (chance.below(9)) {
    case 0:
    case 1: return 200 + chance.below(300);
    case 2:
    case 3: return 500 + chance.below(2000);
    case 4:
    case 5: return 1000 + chance.below(10'000);
    case 6:
    case 7: return chance.below(50'000);
    default: return chance.below(120'000);
  }
}

// A view of it that is kept shows.
void spoil(std::string& text) { std::fill(text.begin(), text.end(), '#'); }

}  // namespace

// --- The server.

MailServer::ConnNumber MailServer::connect(std::uint8_t node, std::uint32_t life, Micros latency) {
  Conn& conn = conns_.emplace_back();
  conn.node = node;
  conn.life = life;
  conn.latency = latency;
  return static_cast<ConnNumber>(conns_.size() - 1);
}

void MailServer::ask(ConnNumber number, Op op) {
  Conn& conn = conns_[number];
  if (conn.broken) return;
  conn.asked.push_back(std::move(op));
  conn.last_arrival = std::max(conn.last_arrival, events_->now() + delay(conn));
  events_->push(conn.last_arrival, What::mail_arrive, nowhere, number);
}

void MailServer::close(ConnNumber number) {
  Conn& conn = conns_[number];
  if (conn.closed) return;
  conn.closed = true;
  conn.answers.clear();
  // So many of its bytes get through, at once or late.
  const std::uint64_t kept = chance_.below(2) == 0 ? conn.asked.size() : chance_.below(conn.asked.size() + 1);
  while (conn.asked.size() > kept) conn.asked.pop_back();
  if (!registry_->reachable(conn.node) && chance_.below(3) == 0)
    conn.last_arrival = events_->now() + Micros(chance_.below(orphan_us_max));
}

bool MailServer::next(ConnNumber number, Answer& answer) {
  Conn& conn = conns_[number];
  if (conn.closed || conn.answers.empty()) return false;
  if (!registry_->reachable(conn.node)) {
    events_->push_in(retransmit, What::mail_answer, conn.node, number, conn.life);
    return false;
  }
  answer = std::move(conn.answers.front());
  conn.answers.pop_front();
  return true;
}

void MailServer::handle(const Event& event) {
  const auto number = static_cast<ConnNumber>(event.x);
  Conn& conn = conns_[number];
  if (conn.broken || conn.asked.empty()) return;
  const bool late = conn.closed && events_->now() < conn.last_arrival;
  if (late || !registry_->reachable(conn.node)) return events_->push_in(retransmit, What::mail_arrive, nowhere, number);
  execute(conn, number);
}

void MailServer::execute(Conn& conn, ConnNumber number) {
  Op op = std::move(conn.asked.front());
  conn.asked.pop_front();
  const Time now = events_->now();
  if (conn.closed && op.kind != Op::Kind::ping) late_at_ = now;
  Answer answer;
  switch (op.kind) {
    case Op::Kind::append:
      trace_->note(now, conn.node, conn.closed ? "mail append late" : "mail append", op.token, 0, op.entry.line);
      op.entry.late = conn.closed;
      op.entry.node = conn.node;
      op.entry.life = conn.life;
      answer.stored = mailboxes_->append(now, op.user, std::move(op.entry));
      break;
    case Op::Kind::take:
      // Small pages only where an answer does not take long.
      answer.page = mailboxes_->take(now, op.user, op.at, conn.latency > 5ms ? page_max : plan_->mail_page);
      trace_->note(now, conn.node, "mail take", op.token, answer.page.entries.size(), op.user);
      break;
    case Op::Kind::remove:
      trace_->note(now, conn.node, "mail remove", op.at.ms, op.at.seq, op.user);
      mailboxes_->remove(now, op.user, op.at);
      break;
    case Op::Kind::mark:
      trace_->note(now, conn.node, "mail mark", 0, 0, op.entry.id);
      mailboxes_->mark(op.user, op.entry.sender, op.entry.id);
      break;
    case Op::Kind::wake: publish(op.node, op.user); break;
    case Op::Kind::ping: break;
  }
  if (conn.closed) return;
  conn.answers.push_back(std::move(answer));
  conn.last_answer = std::max(conn.last_answer, now + delay(conn));
  events_->push(conn.last_answer, What::mail_answer, conn.node, number, conn.life);
}

// Who is not connected now, or not any more when it arrives, does not hear it.
void MailServer::publish(const std::string& node, const std::string& user) {
  for (ConnNumber i = 0; i < conns_.size(); ++i) {
    const Conn& conn = conns_[i];
    if (conn.closed || conn.broken || "n" + std::to_string(conn.node) != node || !registry_->reachable(conn.node))
      continue;
    wakes_.push_back(user);
    events_->push_in(delay(conn), What::mail_wake, conn.node, (std::uint64_t{i} << 32U) | (wakes_.size() - 1),
                     conn.life);
  }
}

void MailServer::crash() {
  for (ConnNumber i = 0; i < conns_.size(); ++i) {
    Conn& conn = conns_[i];
    if (conn.broken) continue;
    conn.broken = true;
    conn.asked.clear();
    conn.answers.clear();
    if (!conn.closed && registry_->path(conn.node))
      events_->push_in(delay(conn), What::mail_reset, conn.node, i, conn.life);
  }
}

// --- A node's side.

MailLine::MailLine(std::uint8_t node, std::uint32_t life, Events& events, Trace& trace, Registry& registry,
                   MailServer& server, Judge& judge, chat::Store::Keeper& keeper, std::uint64_t seed)
    : node_(node),
      life_(life),
      events_(&events),
      trace_(&trace),
      registry_(&registry),
      server_(&server),
      judge_(&judge),
      keeper_(&keeper),
      chance_(seed),
      latency_(latency_of(chance_)) {
  judge_->on_mail_down(events_->now(), node_);
  events_->push_in(latency_, What::mail_try, node_, 0, life_);
  events_->push_in(watch_every, What::mail_watch, node_, 0, life_);
}

MailLine::~MailLine() {
  if (conn_ != no_conn) server_->close(conn_);
}

void MailLine::handle(const Event& event) {
  switch (event.what) {
    case What::mail_try: return connect();
    case What::mail_watch: return watch();
    case What::mail_reset:
      if (event.x == conn_) lose("reset");
      return;
    case What::mail_answer:
      if (event.x == conn_) answered();
      return;
    case What::mail_refused:
      for (const Op& op : std::exchange(refused_, {})) fail(op, false);
      return;
    case What::mail_wake:
      if (event.x >> 32U == conn_) {
        std::string user = server_->wakes_[event.x & 0xffffffffU];
        trace_->note(events_->now(), node_, "mail wake", 0, 0, user);
        keeper_->on_wake(user);
        spoil(user);
      }
      return;
    default: return;
  }
}

bool MailLine::idle() const {
  const auto matters = [](const Op& op) { return op.kind != Op::Kind::ping; };
  return std::none_of(out_.begin(), out_.end(), matters) && std::none_of(stores_.begin(), stores_.end(), matters) &&
         looks_.empty() && (!up_ || owed_.empty());
}

// --- Up and down.

void MailLine::connect() {
  if (up_) return;
  if (!registry_->reachable(node_)) return retry_later();
  up_ = true;
  up_since_ = events_->now();
  tries_ = 0;
  conn_ = server_->connect(node_, life_, latency_);
  trace_->note(events_->now(), node_, "mail up", conn_);
  judge_->on_mail_up(events_->now(), node_);
  for (Op& op : std::exchange(owed_, {})) ask(std::move(op));
  keeper_->on_store_up();
}

void MailLine::retry_later() {
  const std::uint64_t most = std::min<std::uint64_t>(100'000U << std::min(tries_++, 5U), 2'000'000);
  events_->push_in(Micros(1000 + chance_.below(most)), What::mail_try, node_, 0, life_);
}

void MailLine::watch() {
  events_->push_in(watch_every, What::mail_watch, node_, 0, life_);
  if (!up_) return;
  if (!out_.empty() && events_->now() - out_.front().asked >= silence_max) return lose("silent");
  if (out_.empty()) ask({Op::Kind::ping, 0, {}, {}, {}, {}, {}});
}

void MailLine::lose(std::string_view why) {
  trace_->note(events_->now(), node_, "mail down", conn_, out_.size(), why);
  up_ = false;
  server_->close(std::exchange(conn_, no_conn));
  judge_->on_mail_down(events_->now(), node_);
  for (const Op& op : std::exchange(out_, {})) fail(op, true);
  for (std::deque<Op>* queue : {&looks_, &stores_})
    for (const Op& op : std::exchange(*queue, {})) fail(op, false);
  retry_later();
}

void MailLine::fail(const Op& op, bool was_out) {
  switch (op.kind) {
    case Op::Kind::append: return keeper_->on_stored(op.token, was_out ? Stored::unknown : Stored::unavailable);
    case Op::Kind::take: return keeper_->on_taken(op.token, {});
    case Op::Kind::remove:
    case Op::Kind::mark: return owed_.push_back(op);
    case Op::Kind::wake:
    case Op::Kind::ping: return;
  }
}

// --- What is asked.

void MailLine::ask(Op op) {
  if (up_) {
    const bool looks = op.kind == Op::Kind::take || op.kind == Op::Kind::remove || op.kind == Op::Kind::mark;
    op.number = ++asked_;
    (looks ? looks_ : stores_).push_back(std::move(op));
    return send_some();
  }
  if (op.kind == Op::Kind::remove || op.kind == Op::Kind::mark) return owed_.push_back(std::move(op));
  refused_.push_back(std::move(op));
  events_->push_in(0us, What::mail_refused, node_, 0, life_);
}

// As they were asked; but a login does not wait behind a crowd of chats to be stored.
std::deque<MailLine::Op>& MailLine::next_queue() {
  if (looks_.empty() || stores_.empty()) return looks_.empty() ? stores_ : looks_;
  if (stores_.size() > out_max) return (looks_first_ = !looks_first_) ? looks_ : stores_;
  return looks_.front().number < stores_.front().number ? looks_ : stores_;
}

void MailLine::send_some() {
  while (out_.size() < out_max && !(looks_.empty() && stores_.empty())) {
    std::deque<Op>& queue = next_queue();
    Op& op = queue.front();
    op.asked = events_->now();
    server_->ask(conn_, op);
    out_.push_back(std::move(op));
    queue.pop_front();
  }
}

void MailLine::append(std::uint64_t token, const chat::Mail& mail) {
  Mailboxes::Entry entry;
  entry.line = mail.line;
  entry.sender = mail.sender;
  entry.id = mail.id;
  entry.may_repeat = mail.may_repeat;
  entry.via = mail.via;
  ask({Op::Kind::append, token, std::string(mail.user), {}, std::move(entry), {}, {}});
}

void MailLine::take(std::uint64_t token, std::string_view user, chat::EntryId after) {
  ask({Op::Kind::take, token, std::string(user), {}, {}, after, {}});
}

void MailLine::remove(std::string_view user, chat::EntryId at) {
  ask({Op::Kind::remove, 0, std::string(user), {}, {}, at, {}});
}

void MailLine::mark(std::string_view user, std::string_view sender, std::string_view id) {
  Mailboxes::Entry entry;
  entry.sender = sender;
  entry.id = id;
  ask({Op::Kind::mark, 0, std::string(user), {}, std::move(entry), {}, {}});
}

void MailLine::wake(std::string_view node, std::string_view user) {
  if (up_) ask({Op::Kind::wake, 0, std::string(user), std::string(node), {}, {}, {}});
}

// --- What is answered.

void MailLine::answered() {
  MailServer::Answer got;
  if (!server_->next(conn_, got)) return;
  const Op op = std::move(out_.front());
  out_.pop_front();
  answer(op, got);
  send_some();
}

void MailLine::answer(const Op& op, MailServer::Answer& got) {
  if (op.kind == Op::Kind::append) return keeper_->on_stored(op.token, got.stored ? Stored::yes : Stored::full);
  if (op.kind != Op::Kind::take) return;
  Mailboxes::Page& page = got.page;
  std::vector<Entry> entries;
  for (const auto& [at, entry] : page.entries)
    entries.push_back(
        {at, entry.line, entry.sender, entry.id, entry.may_repeat, at <= page.mark || entry.marked, entry.via});
  keeper_->on_taken(op.token, {true, page.waiting, page.more, entries});
  for (auto& [at, entry] : page.entries) {
    spoil(entry.line);
    spoil(entry.sender);
    spoil(entry.id);
  }
}

}  // namespace sim
