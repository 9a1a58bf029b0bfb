// The same router: how chats ended, and where those go that came back.
#include <algorithm>
#include <cassert>

#include "src/chat/line.h"
#include "src/chat/router.h"

namespace chat {

namespace {

peer::Settled settled(End end) {
  switch (end) {
    case End::delivered: return peer::Settled::delivered;
    case End::written: return peer::Settled::written;
    case End::unwritten: return peer::Settled::not_here;
    case End::unread: return peer::Settled::unread;
  }
  return peer::Settled::not_here;
}

}  // namespace

void Router::on_settled(peer::PeerId to, peer::Seq seq, const peer::Ticket& ticket, std::string_view body,
                        peer::Settled how, bool sent) {
  if (how == peer::Settled::written || how == peer::Settled::delivered) {
    tell(ticket, peer::chat_line(ticket, body), how == peer::Settled::written ? Outcome::written : Outcome::delivered,
         false);
    return lane_settled(ticket.recipient, peer::chat_recipient(ticket, body));
  }
  const peer::ChatBody chat = decode(body).chat;
  peer::Ticket again = ticket;
  switch (how) {
    case peer::Settled::delivered:
    case peer::Settled::written: break;
    case peer::Settled::not_here: come_back(to, seq, ticket, chat, true, {}); break;
    case peer::Settled::unread:
      again.may_repeat = again.was_sent = true;
      come_back(to, seq, again, chat, true, {});
      break;
    case peer::Settled::lost:
      if (sent) again.may_repeat = again.was_sent = true;
      come_back(to, seq, again, chat, false, {});
      break;
    case peer::Settled::withdrawn:
      if (sent) again.may_repeat = again.was_sent = true;
      come_back(to, seq, again, chat, false, {mesh_->incarnation(), mesh_->incarnation_of(to), seq});
      break;
    case peer::Settled::expired:
      tell(ticket, chat.line, Outcome::unavailable, sent || ticket.was_sent);
      lanes_[ticket.recipient].reset_due = true;
      break;
  }
  lane_settled(ticket.recipient, peer::chat_recipient(ticket, body));
}

// Of a chat in here_ or mail_.
void Router::settle_kept(peer::Stream& stream, peer::PeerId place, peer::Seq seq, peer::Settled how) {
  const peer::Stream::Held held = stream.find(seq);
  assert(held.known);
  const std::string body(held.body);
  stream.settle(seq);
  on_settled(place, seq, held.ticket, body, how, true);
}

void Router::on_here_ended(peer::Seq seq, End end) {
  if (reached(end)) {
    // Its bytes are not needed beyond this call: nothing is copied.
    const peer::Stream::Held held = here_.find(seq);
    assert(held.known);
    on_settled(here, seq, held.ticket, held.body, settled(end), true);
    return here_.settle(seq);
  }
  settle_kept(here_, here, seq, settled(end));
}

// `refused`: by that place, so it does not go there again.
void Router::come_back(peer::PeerId from, peer::Seq seq, const peer::Ticket& ticket, const peer::ChatBody& chat,
                       bool refused, const Via& via) {
  ++counters_.rerouted;
  peer::Ticket again = ticket;
  trace({again, chat.recipient, {&chat.line, 1}, chat.line.size(), id_of(chat.line, ticket)},
        refused ? Trail::What::refused : Trail::What::rerouted, from);
  Lane& lane = lanes_[ticket.recipient];
  lane.waits = true;
  Refusals by = lane.refused;
  // The mailbox may be better by now.
  if (from != mail) std::erase_if(by, [](const peer::Mesh::Login& each) { return each.at == mail; });
  if (refused) note(by, {from, lane.way.stamp});
  if (refused && from != mail) lane.reset_due = true;
  waiting_[ticket.recipient].back.push_back(
      {again, std::string(chat.recipient), std::string(chat.line), std::move(by), via, seq});
}

// One less on its way. With the last, whoever refused is told that its refusals
// were read, and what waits goes on.
void Router::lane_settled(std::uint64_t hash, std::string_view recipient) {
  const auto at = lanes_.find(hash);
  assert(at != lanes_.end() && at->second.unsettled > 0);
  if (--at.value().unsettled > 0) return;
  const bool waits = at->second.waits;
  if (at->second.reset_due) reset_lane(at->second.way.owner, hash, recipient);
  lanes_.erase(at);
  if (waits) resume(hash);
}

void Router::reset_lane(peer::PeerId owner, std::uint64_t hash, std::string_view recipient) {
  if (owner == here) return arrivals_.on_lane_reset_here(hash);
  mesh_->reset_lane(owner, recipient);
}

// The lane is empty: those that came back look for another place, then those
// behind them go their way.
void Router::resume(std::uint64_t hash) {
  const auto at = waiting_.find(hash);
  if (at == waiting_.end()) return;
  Waiting waiting = std::move(at->second);
  waiting_.erase(at);
  // A later one may have come back at once while an earlier one was still with a session.
  const auto earlier = [](const Parked& one, const Parked& other) { return one.seq < other.seq; };
  if (!std::is_sorted(waiting.back.begin(), waiting.back.end(), earlier))
    std::stable_sort(waiting.back.begin(), waiting.back.end(), earlier);
  for (std::deque<Parked>* queue : {&waiting.back, &waiting.behind})
    for (Parked& parked : *queue) {
      // Whoever was told nothing of it may have sent it again, another way.
      if (!waits(parked.ticket)) parked.ticket.may_repeat = true;
      const std::string_view line = parked.line;
      route({parked.ticket, parked.recipient, {&line, 1}, line.size(), id_of(line, parked.ticket)}, parked.refused,
            parked.via);
    }
}

void Router::trace(const Letter& letter, Trail::What what, peer::PeerId place) {
  const Trail::Step step{clock_->wall_ms(), what, {}, place};
  if (!trail_.add(letter.ticket.trail, step)) letter.ticket.trail = trail_.note(letter.id, step);
}

void Router::tell(const peer::Ticket& ticket, std::string_view line, Outcome outcome, bool maybe) {
  switch (outcome) {
    case Outcome::delivered: ++counters_.delivered; break;
    case Outcome::written: ++counters_.written; break;
    case Outcome::stored: ++counters_.stored; break;
    case Outcome::no_such_user:
    case Outcome::mailbox_full:
    case Outcome::busy:
    case Outcome::unavailable:
      ++counters_.failed;
      maybe = maybe || ticket.may_repeat;  // the time before
      break;
  }
  const Trail::Step step{clock_->wall_ms(), Trail::What::settled, outcome, peer::no_peer};
  if (!trail_.add(ticket.trail, step)) trail_.note(id_of(line, ticket), step);
  if (const Users::User* const sender = users_.get(ticket.sender))
    sender->client->on_outcome(line.substr(ticket.id_at, ticket.id_length), line.size(), outcome, maybe);
}

void Router::fail(const Letter& letter, Outcome why, bool maybe) {
  tell(letter.ticket, join(letter.line, letter.line_bytes), why, maybe);
}

// Nobody serves its recipient, and no mailbox can take it.
void Router::fail_nowhere(const Letter& letter, const Refusals& refused) {
  const bool maybe = letter.ticket.was_sent;
  if (store_ != nullptr || maybe) return fail(letter, Outcome::unavailable, maybe);
  const bool is_here = refuses(refused, {here, 0}) && users_.find(letter.ticket.recipient, letter.recipient) != 0;
  fail(letter, is_here ? Outcome::busy : Outcome::no_such_user, false);
}

}  // namespace chat
