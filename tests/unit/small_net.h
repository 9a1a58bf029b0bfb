// A few nodes in one process, wired through memory: their meshes, a clock that
// the test moves, wires that can be cut, held or refused. No sockets.
//
// Bytes and ends of wires reach a mesh from pump() alone, never from inside a
// call of its own. run_for() moves the clock from one wake to the next, so what
// happens happens at its exact time.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peer/mesh.h"

// Last: it makes a macro of a name that the standard headers use.
#include <check.h>

namespace small_net {

using namespace std::chrono_literals;

class Net;

// One node's side of the world.
class Host final : public peer::World {
 public:
  Host(Net& net, peer::Mesh::Settings settings, peer::Guest& guest, std::uint64_t seed)
      : net_(net), chance_(seed), mesh(std::move(settings), *this, guest, chance_) {}

  void dial(peer::ConnId conn, const peer::Address& address) override;
  void close(peer::ConnId conn) override;
  void farewell(peer::ConnId conn, std::string_view last_words) override;
  void want_write(peer::ConnId conn) override;
  void report(const peer::Report& report) override { reports.push_back(report); }

  const std::string& name() const { return mesh.self().name; }
  // Reports of a kind, the last one's sentence.
  std::size_t count(peer::Report::Kind kind) const {
    return static_cast<std::size_t>(
        std::count_if(reports.begin(), reports.end(), [kind](const peer::Report& each) { return each.kind == kind; }));
  }
  std::string why(peer::Report::Kind kind) const {
    for (auto at = reports.rbegin(); at != reports.rend(); ++at)
      if (at->kind == kind) return at->why;
    return "(none)";
  }
  peer::Mesh::PeerView view(std::string_view peer, peer::Time now) const {
    for (peer::Mesh::PeerView& each : mesh.view(now))
      if (each.name == peer) return std::move(each);
    return {};
  }

 private:
  Net& net_;
  peer::SeededChance chance_;

 public:
  std::vector<peer::Report> reports;
  peer::Mesh mesh;
};

struct End {
  Host* host = nullptr;
  peer::ConnId conn = 0;
  bool over = false;                                           // closed by the host or told to it as lost
  bool wants = false;                                          // the mesh has something to fill
  bool held = false;                                           // what is on its way to here stays on its way
  std::string to_read;                                         // on its way to here
  std::size_t left = std::numeric_limits<std::size_t>::max();  // bytes until the wire is cut
};

struct Wire {
  std::array<End, 2> ends;  // the dialler's, the acceptor's
  End& dialler() { return ends[0]; }
  End& acceptor() { return ends[1]; }
  bool between(std::string_view a, std::string_view b) const {
    return ends[0].host->name() == a && ends[1].host->name() == b;
  }
};

class Net {
 public:
  peer::Time now{0};
  std::size_t piece_bytes = std::numeric_limits<std::size_t>::max();    // delivered at a time
  std::size_t in_flight_max = std::numeric_limits<std::size_t>::max();  // then the writer waits
  std::function<void(Wire&)> on_wire;                                   // every new one
  std::function<void(const Host&, std::string_view)> on_write;          // every portion that a mesh fills
  std::vector<peer::Time> dials;                                        // of everybody
  std::vector<peer::ConnId> swallowed;                                  // dials that nobody answers

  static peer::Address address(int n) { return {"10.0.0." + std::to_string(n), 9601}; }
  // Node n of `count`: named "nN", everybody else static.
  static peer::Mesh::Settings settings(int n, int count) {
    peer::Mesh::Settings settings;
    settings.self.name = "n" + std::to_string(n);
    settings.self.cluster = "main";
    settings.self.secret = "a secret of the cluster";
    settings.self.advertised = address(n);
    settings.self.settings = {{"sessions.per_user", "1"}};
    for (int i = 1; i <= count; ++i) settings.peers.push_back({"n" + std::to_string(i), address(i)});
    return settings;
  }

  // At its advertised address from now on, in the place of what was there.
  Host& add(peer::Mesh::Settings settings, peer::Guest& guest) {
    const peer::Address at = settings.self.advertised;
    kill(at);
    hosts_.push_back(std::make_unique<Host>(*this, std::move(settings), guest, ++seed_));
    return *hosts_.back();
  }
  // Its process is gone, without a word.
  void kill(const peer::Address& at) {
    for (auto host = hosts_.begin(); host != hosts_.end(); ++host) {
      if ((*host)->mesh.self().advertised != at) continue;
      for (const auto& wire : wires_)
        for (End& end : wire->ends)
          if (end.host == host->get()) end.over = true, end.to_read.clear();
      std::erase_if(dialled_, [&](const Dialled& each) { return each.host == host->get(); });
      hosts_.erase(host);
      return;
    }
  }
  enum class Answer { yes, refused, swallowed };
  void answer(const peer::Address& at, Answer how) {
    std::erase_if(answers_, [&at](const auto& each) { return each.first == at; });
    answers_.emplace_back(at, how);
  }

  // The wire that `a` dialled to `b`; null where there is none.
  Wire* wire(std::string_view a, std::string_view b) {
    for (const auto& each : wires_)
      if (!each->ends[0].over && !each->ends[1].over && each->between(a, b)) return each.get();
    return nullptr;
  }
  void cut(Wire& wire) {
    for (End& end : wire.ends) {
      end.to_read.clear();
      if (!std::exchange(end.over, true)) end.host->mesh.lost(end.conn, now, "reset");
    }
  }
  void cut(std::string_view a, std::string_view b) {
    if (Wire* const each = wire(a, b)) cut(*each);
  }
  void cut_all() {
    for (const auto& each : wires_) cut(*each);
  }
  // What is on its way on that wire stays there, both ways.
  void hold(std::string_view a, std::string_view b, bool held = true) {
    Wire* const each = wire(a, b);
    ck_assert(each != nullptr);
    for (End& end : each->ends) end.held = held;
  }

  // Something of everything that can move; false where nothing can.
  bool step() {
    bool moved = !dialled_.empty();
    for (const Dialled& each : std::exchange(dialled_, {})) connect(each);
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      Wire& wire = *wires_[i];
      for (const std::size_t to : {0U, 1U}) {
        moved |= write(wire.ends[1 - to], wire.ends[to]);
        moved |= read(wire, wire.ends[to], wire.ends[1 - to]);
      }
    }
    std::erase_if(wires_, [](const auto& wire) { return wire->ends[0].over && wire->ends[1].over; });
    return moved;
  }
  void pump() {
    while (step()) {
    }
  }
  // Until outcomes that nobody waits for are told, too.
  void pump_outcomes() { run_for(peer::Timing().outcomes_wait); }
  void run_for(peer::Micros time) {
    const peer::Time end = now + time;
    for (int turns = 0;; ++turns) {
      if (turns > 1'000'000) ck_abort_msg("the clock stands still");
      pump();
      peer::Time wake = peer::never;
      for (const auto& host : hosts_) wake = std::min(wake, host->mesh.wake_at());
      if (wake > end) break;
      now = std::max(now, wake);
      for (const auto& host : hosts_) host->mesh.tick(now);
    }
    now = end;
  }
  // Until `done`, for `limit` at most.
  template <class Done>
  void run_until(Done done, peer::Micros limit = 30s) {
    for (const peer::Time end = now + limit; !done();) {
      if (now >= end) ck_abort_msg("waited in vain");
      run_for(10ms);
    }
  }
  void start() {
    for (const auto& host : hosts_) host->mesh.start(now);
  }
  void start_whole() {
    start();
    run_until([this] {
      return std::all_of(hosts_.begin(), hosts_.end(), [](const auto& host) { return host->mesh.whole(); });
    });
  }

 private:
  friend class Host;
  struct Dialled {
    Host* host;
    peer::ConnId conn;
    peer::Address address;
  };

  End* find(const Host& host, peer::ConnId conn, Wire** in = nullptr) {
    for (const auto& wire : wires_)
      for (End& end : wire->ends)
        if (end.host == &host && end.conn == conn && !end.over) {
          if (in != nullptr) *in = wire.get();
          return &end;
        }
    return nullptr;
  }

  void connect(const Dialled& dialled) {
    dials.push_back(now);
    Answer how = Answer::yes;
    for (const auto& [at, its] : answers_)
      if (at == dialled.address) how = its;
    Host* acceptor = nullptr;
    for (const auto& host : hosts_)
      if (host->mesh.self().advertised == dialled.address) acceptor = host.get();
    if (how == Answer::swallowed) return swallowed.push_back(dialled.conn);
    const peer::ConnId accepted =
        how == Answer::yes && acceptor != nullptr ? acceptor->mesh.accepted(now, "remote") : 0;
    if (accepted == 0) return dialled.host->mesh.lost(dialled.conn, now, "refused");
    auto wire = std::make_unique<Wire>();
    wire->dialler().host = dialled.host;
    wire->dialler().conn = dialled.conn;
    wire->acceptor().host = acceptor;
    wire->acceptor().conn = accepted;
    if (on_wire) on_wire(*wire);
    wires_.push_back(std::move(wire));
    dialled.host->mesh.opened(dialled.conn, now);
  }

  bool write(End& from, End& to) {
    if (from.over) return false;
    for (bool moved = false;; moved = true) {
      if (!from.wants || to.to_read.size() >= in_flight_max) return moved;
      peer::Buffer out;
      from.host->mesh.fill(from.conn, out);
      if (out.empty()) from.wants = false;
      if (on_write) on_write(*from.host, out.view());
      if (!to.over) to.to_read.append(out.view());
    }
  }
  bool read(Wire& wire, End& to, const End& from) {
    if (to.over || to.held) return false;
    if (to.to_read.empty()) {
      if (!from.over) return false;
      to.over = true;
      to.host->mesh.lost(to.conn, now, "");
      return true;
    }
    const std::size_t n = std::min({to.to_read.size(), piece_bytes, to.left});
    const std::vector<char> lent(to.to_read.begin(), to.to_read.begin() + static_cast<std::ptrdiff_t>(n));
    to.to_read.erase(0, n);
    to.left -= n;
    to.host->mesh.bytes(to.conn, now, {lent.data(), lent.size()});
    if (to.left == 0) cut(wire);
    return true;
  }
  std::uint64_t seed_ = 0;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::vector<Dialled> dialled_;
  std::vector<std::pair<peer::Address, Answer>> answers_;
};

inline void Host::dial(peer::ConnId conn, const peer::Address& address) {
  net_.dialled_.push_back({this, conn, address});
}
inline void Host::close(peer::ConnId conn) {
  std::erase_if(net_.dialled_, [&](const Net::Dialled& each) { return each.host == this && each.conn == conn; });
  if (End* const end = net_.find(*this, conn)) end->over = true;
}
inline void Host::farewell(peer::ConnId conn, std::string_view last_words) {
  Wire* wire = nullptr;
  End* const end = net_.find(*this, conn, &wire);
  if (end == nullptr) return;
  End& other = end == &wire->ends[0] ? wire->ends[1] : wire->ends[0];
  if (!other.over) other.to_read.append(last_words);
  end->over = true;
}
inline void Host::want_write(peer::ConnId conn) {
  if (End* const end = net_.find(*this, conn)) end->wants = true;
}

// Users and chats of one node, in plain words: stands in for the chat layer.
class Crowd final : public peer::Guest {
 public:
  struct User {
    std::string name;
    peer::Stamp stamp;
    bool here;
  };
  struct Arrived {
    peer::PeerId from;
    std::uint32_t era;
    peer::Seq seq;
    std::string recipient;
    std::string line;
  };
  struct Ended {
    std::string line;
    peer::Settled how;
    bool sent;
  };

  peer::Mesh* mesh = nullptr;
  bool answers = true;  // else the test settles what arrived
  std::vector<User> users;
  std::vector<Arrived> arrived;
  std::vector<Ended> ended;
  std::vector<std::string> heard;   // names told by others
  std::vector<std::string> resets;  // of lanes
  std::vector<std::string> wakes;
  std::vector<peer::PeerId> unreachable;
  int eras = 0;

  bool has(std::string_view name) const {
    return std::any_of(users.begin(), users.end(), [&](const User& user) { return user.here && user.name == name; });
  }
  peer::Stamp login(std::string_view name) {
    users.push_back({std::string(name), mesh->next_stamp(0), true});
    mesh->user_on(name, users.back().stamp);
    return users.back().stamp;
  }
  void logout(std::string_view name) {
    for (User& user : users)
      if (user.here && user.name == name) user.here = false, mesh->user_off(name, user.stamp);
  }
  // To the owner of `recipient`, whoever that is; nobody waits for the outcome.
  peer::Mesh::Sent send(std::string_view recipient, std::string_view text) { return send(recipient, text, {}); }
  // Somebody does: the line is long enough to hold the tokens.
  peer::Mesh::Sent send_awaited(std::string_view recipient, std::string_view text) {
    peer::Ticket ticket;
    ticket.id_length = ticket.sender_length = 1;
    ck_assert(text.size() > peer::chat_sender_at);
    return send(recipient, text, ticket);
  }
  peer::Mesh::Sent send(std::string_view recipient, std::string_view text, peer::Ticket ticket) {
    const peer::PeerId to = mesh->owner(mesh->hash(recipient));
    ck_assert(to != peer::no_peer);
    const std::string line = std::string(text) + "\n";
    const std::array<std::string_view, 1> pieces{line};
    ticket.sender = 1;
    ticket.recipient = mesh->hash(recipient);
    return mesh->send(to, recipient, pieces, line.size(), ticket);
  }
  bool knows(std::string_view name) const { return mesh->owner(mesh->hash(name)) != peer::no_peer; }

  void on_chat(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat) override {
    arrived.push_back({from, era, seq, std::string(chat.recipient), std::string(chat.line)});
    if (answers)
      mesh->settle(from, era, seq, has(chat.recipient) ? peer::WireOutcome::written : peer::WireOutcome::not_here);
  }
  void on_lane_reset(peer::PeerId, peer::Seq, std::string_view recipient) override { resets.emplace_back(recipient); }
  void on_wake(peer::PeerId, std::string_view user) override { wakes.emplace_back(user); }
  void on_unreachable(peer::PeerId peer) override { unreachable.push_back(peer); }
  void on_era(peer::PeerId) override { ++eras; }
  void on_settled(peer::PeerId, peer::Seq, const peer::Ticket&, std::string_view body, peer::Settled how,
                  bool sent) override {
    ended.push_back({std::string(peer::decode_chat(body).chat.line), how, sent});
  }
  bool waits(const peer::Ticket&) const override { return true; }
  void on_user(peer::PeerId, std::string_view name, std::uint64_t, peer::Stamp) override { heard.emplace_back(name); }
  bool next_users(std::uint64_t& cursor, peer::Buffer& into, std::size_t bytes) override {
    for (; cursor < users.size() && into.size() < bytes; ++cursor)
      if (users[cursor].here) peer::write_user(into, true, users[cursor].stamp, users[cursor].name);
    return cursor < users.size();
  }
};

}  // namespace small_net
