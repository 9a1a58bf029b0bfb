#include "tests/sim/network.h"

#include <algorithm>

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr Micros dial_timeout = 2s;
// What a writer's and a reader's socket hold together.
constexpr std::size_t in_flight_max = 200'000;
constexpr std::uint32_t no_conn = ~std::uint32_t{0};

constexpr std::uint64_t pack(std::uint32_t conn, unsigned direction) { return (std::uint64_t{conn} << 1U) | direction; }

}  // namespace

Network::Network(const Plan& plan, Events& events, std::uint64_t seed) : plan_(&plan), events_(&events), chance_(seed) {
  for (auto& from : paths_)
    for (Path& path : from)
      path.extra = Micros(chance_.below(static_cast<std::uint64_t>(plan.latency_min.count()) / 2 + 1));
}

// --- Hosts.

void Network::plug_in(std::uint8_t host, Host& its) {
  places_[host].host = &its;
  places_[host].silent = false;
  ++places_[host].life;
}

void Network::pull_out(std::uint8_t host, bool silently) {
  Place& place = places_[host];
  place.host = nullptr;
  place.silent = silently;
  ++place.life;
  for (const auto& [id, conn] : std::exchange(place.lines, {})) {
    const unsigned side = conns_[conn].end[0].host == host && conns_[conn].end[0].id == id ? 0 : 1;
    conns_[conn].end[side].stage = Stage::gone;
    if (silently) {
      conns_[conn].out[side].ended = true;
      continue;
    }
    truncate(conns_[conn].out[side]);
    send_end(conn, side);
  }
}

std::uint32_t Network::find(std::uint8_t host, ConnId id) const {
  for (const auto& line : places_[host].lines)
    if (line.first == id) return line.second;
  return no_conn;
}

void Network::let_go(End& end) {
  end.stage = Stage::gone;
  std::erase_if(places_[end.host].lines, [&end](const auto& line) { return line.first == end.id; });
}

Micros Network::delay(std::uint8_t from, std::uint8_t to) {
  const auto spread = static_cast<std::uint64_t>(plan_->latency_spread.count());
  return plan_->latency_min + paths_[from][to].extra + Micros(chance_.below(spread + 1));
}

void Network::dial(std::uint8_t from, ConnId id, std::uint8_t to) {
  const auto conn = static_cast<std::uint32_t>(conns_.size());
  Conn& made = conns_.emplace_back();
  made.dialled_at = events_->now();
  made.end[0] = {from, Stage::dialling, places_[from].life, id};
  made.end[1] = {to, Stage::none, 0, 0};
  places_[from].lines.emplace_back(id, conn);
  if (to == nowhere) {
    made.refused = chance_.below(2) == 0;
    return events_->push_in(made.refused ? plan_->latency_min : dial_timeout, What::failed, from, conn,
                            made.end[0].life);
  }
  // Dials overtake each other now and then.
  const Micros late = chance_.below(8) == 0 ? Micros(chance_.below(300'000)) : 0us;
  events_->push_in(delay(from, to) + late, What::connect, nowhere, conn);
}

void Network::connect(std::uint32_t id) {
  Conn& conn = conns_[id];
  const std::uint8_t from = conn.end[0].host;
  const std::uint8_t to = conn.end[1].host;
  const Path& path = paths_[from][to];
  const std::uint32_t life = conn.end[0].life;
  const Micros back = delay(to, from);
  if (path.swallows > 0 || places_[to].silent || !open_way(from, to) || !open_way(to, from))
    return events_->push(conn.dialled_at + dial_timeout, What::failed, from, id, life);
  if (path.refuses > 0 || places_[to].host == nullptr) {
    conn.refused = true;
    return events_->push_in(back, What::failed, from, id, life);
  }
  conn.established = true;
  if (path.closes == 0) {
    conn.end[1].life = places_[to].life;
    events_->push_in(0us, What::accept, to, id, conn.end[1].life);
  }
  events_->push_in(back, What::opened, from, id, life);
  conn.out[1].last_arrival = events_->now() + back;
  if (path.closes > 0) send_end(id, 1);
  if (conn.end[0].stage == Stage::gone) send_end(id, 0);
}

void Network::accept(std::uint32_t id) {
  Conn& conn = conns_[id];
  End& mine = conn.end[1];
  Place& place = places_[mine.host];
  if (place.life != mine.life || mine.stage != Stage::none) return;
  mine.id =
      place.host->on_accept("10.1.0." + std::to_string(conn.end[0].host) + ":" + std::to_string(40000 + id % 20000));
  if (mine.id == 0) {
    mine.stage = Stage::gone;
    return send_end(id, 1);
  }
  mine.stage = Stage::open;
  place.lines.emplace_back(mine.id, id);
}

void Network::opened(std::uint32_t id) {
  End& mine = conns_[id].end[0];
  if (mine.stage != Stage::dialling) return;
  mine.stage = Stage::open;
  places_[mine.host].host->on_opened(mine.id);
}

void Network::failed(std::uint32_t id) {
  End& mine = conns_[id].end[0];
  if (mine.stage != Stage::dialling) return;
  let_go(mine);
  places_[mine.host].host->on_lost(mine.id, conns_[id].refused ? "connection refused" : "no answer within 2 s");
}

// --- Bytes.

void Network::send(std::uint32_t id, unsigned direction, std::string_view bytes) {
  Conn& conn = conns_[id];
  Pipe& pipe = conn.out[direction];
  if (pipe.swallows) pipe.swallowed += bytes.size();
  if (pipe.ended || bytes.empty()) return;
  pipe.bytes.append(bytes);
  const std::uint8_t from = conn.end[direction].host;
  const std::uint8_t to = conn.end[1 - direction].host;
  const std::uint64_t rate = paths_[from][to].bytes_per_ms;
  for (std::size_t left = bytes.size(); left > 0;) {
    const bool whole = left < 2 || chance_.below(4) != 0;
    const std::size_t size = std::min<std::size_t>(whole ? left : 1 + chance_.below(left - 1), 65536);
    left -= size;
    const auto writing = Micros(rate == 0 ? 0 : static_cast<std::int64_t>(size * 1000 / rate));
    pipe.last_arrival = std::max(pipe.last_arrival, events_->now() + delay(from, to)) + writing;
    pipe.segments.push_back({static_cast<std::uint32_t>(size), false, pipe.last_arrival});
    events_->push(pipe.last_arrival, What::arrival, to, pack(id, direction));
  }
}

void Network::send_end(std::uint32_t id, unsigned direction) {
  Conn& conn = conns_[id];
  Pipe& pipe = conn.out[direction];
  if (pipe.ended || !conn.established) return;
  pipe.ended = true;
  const std::uint8_t to = conn.end[1 - direction].host;
  pipe.last_arrival = std::max(pipe.last_arrival, events_->now() + delay(conn.end[direction].host, to));
  pipe.segments.push_back({0, true, pipe.last_arrival});
  events_->push(pipe.last_arrival, What::arrival, to, pack(id, direction));
}

// What is in flight gets through up to some byte.
void Network::truncate(Pipe& pipe) {
  std::size_t keep = chance_.below(pipe.bytes.size() - pipe.taken + 1);
  pipe.bytes.resize(pipe.taken + keep);
  std::deque<Segment> kept;
  for (const Segment& segment : pipe.segments) {
    if (segment.end || keep == 0) break;
    kept.push_back({static_cast<std::uint32_t>(std::min<std::size_t>(segment.size, keep)), false, segment.due});
    keep -= kept.back().size;
  }
  pipe.segments.swap(kept);
}

void Network::arrive(std::uint32_t id, unsigned direction) {
  Conn& conn = conns_[id];
  Pipe& pipe = conn.out[direction];
  End& sender = conn.end[direction];
  End& receiver = conn.end[1 - direction];
  if (pipe.segments.empty() || (pipe.hastened && pipe.segments.front().due > events_->now())) return;
  if (!open_way(sender.host, receiver.host))
    return events_->push(paths_[sender.host][receiver.host].stalled_until, What::arrival, receiver.host,
                         pack(id, direction));
  const Segment segment = pipe.segments.front();
  pipe.segments.pop_front();
  if (segment.end) {
    if (receiver.stage != Stage::open && receiver.stage != Stage::dialling) return;
    let_go(receiver);
    truncate(conn.out[1 - direction]);
    conn.out[1 - direction].ended = true;
    return places_[receiver.host].host->on_lost(receiver.id, chance_.below(2) == 0 ? "" : "connection reset");
  }
  scratch_.assign(pipe.bytes, pipe.taken, segment.size);
  pipe.taken += segment.size;
  if (pipe.taken == pipe.bytes.size()) {
    pipe.bytes.clear();
    pipe.taken = 0;
  } else if (pipe.taken > in_flight_max) {
    pipe.bytes.erase(0, pipe.taken);
    pipe.taken = 0;
  }
  if (pipe.waits && pipe.in_flight() < in_flight_max / 2 && sender.stage == Stage::open)
    events_->push_in(0us, What::room, sender.host, pack(id, direction), sender.life);
  if (receiver.stage == Stage::open) return feed(conn, receiver, scratch_);
  // Nobody is there any more: a reset, if there is a host to send it.
  if (!places_[receiver.host].silent) send_end(id, 1 - direction);
}

void Network::feed(Conn&, End& receiver, std::string_view bytes) {
  Host& host = *places_[receiver.host].host;
  const std::uint64_t dice = chance_.below(64);
  std::size_t step = bytes.size();
  if (dice == 0 && bytes.size() < 2000) step = 1;
  if (dice > 0 && dice < 8 && bytes.size() > 1) step = 1 + chance_.below(bytes.size() - 1);
  std::string piece;
  while (!bytes.empty() && receiver.stage == Stage::open) {
    piece.assign(bytes.substr(0, step));
    bytes.remove_prefix(piece.size());
    host.on_bytes(receiver.id, piece);
    std::fill(piece.begin(), piece.end(), '#');  // whoever kept a view of it will notice
  }
}

void Network::room(std::uint32_t id, unsigned direction) {
  const End& sender = conns_[id].end[direction];
  Pipe& pipe = conns_[id].out[direction];
  if (sender.stage != Stage::open || !pipe.waits) return;
  pipe.waits = false;
  flush(sender.host, sender.id);
}

void Network::flush(std::uint8_t host, ConnId id) {
  for (;;) {
    const std::uint32_t conn = find(host, id);
    if (conn == no_conn) return;
    const unsigned direction = conns_[conn].end[0].host == host && conns_[conn].end[0].id == id ? 0 : 1;
    if (conns_[conn].end[direction].stage != Stage::open) return;
    if (conns_[conn].out[direction].in_flight() >= in_flight_max) {
      conns_[conn].out[direction].waits = true;
      return;
    }
    peer::Buffer out;
    places_[host].host->fill(id, out);
    if (out.empty()) return;
    send(conn, direction, out.view());
  }
}

void Network::farewell(std::uint8_t host, ConnId id, std::string_view words) {
  const std::uint32_t conn = find(host, id);
  if (conn == no_conn) return;
  const unsigned direction = conns_[conn].end[0].host == host && conns_[conn].end[0].id == id ? 0 : 1;
  send(conn, direction, words);
  send_end(conn, direction);
  let_go(conns_[conn].end[direction]);
}

void Network::close(std::uint8_t host, ConnId id) {
  const std::uint32_t conn = find(host, id);
  if (conn == no_conn) return;
  Conn& closed = conns_[conn];
  const unsigned direction = closed.end[0].host == host && closed.end[0].id == id ? 0 : 1;
  const bool was_made = closed.end[direction].stage == Stage::open || closed.established;
  let_go(closed.end[direction]);
  if (!was_made) return;
  if (chance_.below(3) == 0) truncate(closed.out[direction]);  // a reset overtakes what was written
  send_end(conn, direction);
}

void Network::handle(const Event& event) {
  const auto conn = static_cast<std::uint32_t>(event.x);
  const auto packed = static_cast<std::uint32_t>(event.x >> 1U);
  const auto direction = static_cast<unsigned>(event.x & 1U);
  if (event.what == What::connect) return connect(conn);
  if (event.what == What::accept) return accept(conn);
  if (event.what == What::opened) return opened(conn);
  if (event.what == What::failed) return failed(conn);
  if (event.what == What::arrival) return arrive(packed, direction);
  if (event.what == What::room) return room(packed, direction);
}

// --- Faults.

void Network::begin(const Fault& fault) {
  Path& path = paths_[fault.a][fault.b];
  if (fault.kind == FaultKind::refuse) ++path.refuses;
  if (fault.kind == FaultKind::swallow) ++path.swallows;
  if (fault.kind == FaultKind::accept_close) ++path.closes;
  if (fault.kind == FaultKind::slow) path.bytes_per_ms = fault.amount;
  if (fault.kind == FaultKind::stall || fault.kind == FaultKind::partition)
    path.stalled_until = std::max(path.stalled_until, fault.at + fault.lasts);
  if (fault.kind == FaultKind::partition)
    paths_[fault.b][fault.a].stalled_until = std::max(paths_[fault.b][fault.a].stalled_until, fault.at + fault.lasts);
}

void Network::end(const Fault& fault) {
  Path& path = paths_[fault.a][fault.b];
  if (fault.kind == FaultKind::refuse) --path.refuses;
  if (fault.kind == FaultKind::swallow) --path.swallows;
  if (fault.kind == FaultKind::accept_close) --path.closes;
  if (fault.kind == FaultKind::slow) {
    path.bytes_per_ms = 0;
    hasten(fault.a, fault.b);
  }
}

// That way is no longer slow, and not for what is on it already either.
void Network::hasten(std::uint8_t from, std::uint8_t to) {
  for (std::uint32_t id = 0; id < conns_.size(); ++id)
    for (const unsigned direction : {0U, 1U}) {
      Pipe& pipe = conns_[id].out[direction];
      if (conns_[id].end[direction].host != from || conns_[id].end[1 - direction].host != to) continue;
      const Time soon = events_->now() + plan_->latency_min + plan_->latency_spread;
      if (pipe.segments.empty() || pipe.last_arrival <= soon) continue;
      pipe.hastened = true;
      pipe.last_arrival = soon;
      for (Segment& segment : pipe.segments) {
        if (segment.due <= soon) continue;
        segment.due = soon;
        events_->push(soon, What::arrival, to, pack(id, direction));
      }
    }
}

void Network::cut(std::uint8_t dialler, std::uint8_t target) {
  for (const auto& [id, conn] : places_[dialler].lines) {
    Conn& each = conns_[conn];
    if (each.end[0].host != dialler || each.end[0].id != id || each.end[1].host != target) continue;
    if (each.end[0].stage != Stage::open) continue;
    for (const unsigned direction : {0U, 1U}) {
      truncate(each.out[direction]);
      each.out[direction].ended = false;
      send_end(conn, direction);
    }
  }
}

// One end hears of the loss; the other hears nothing, and what it writes is gone.
void Network::half_open(std::uint8_t dialler, std::uint8_t target, bool at_dialler) {
  for (const auto& [id, conn] : places_[dialler].lines) {
    Conn& each = conns_[conn];
    if (each.end[0].host != dialler || each.end[0].id != id || each.end[1].host != target) continue;
    if (each.end[0].stage != Stage::open || each.end[1].stage != Stage::open) continue;
    const unsigned knows = at_dialler ? 0 : 1;
    truncate(each.out[knows]);
    each.out[knows].ended = true;
    truncate(each.out[1 - knows]);
    each.out[1 - knows].ended = false;
    send_end(conn, 1 - knows);
    each.out[1 - knows].swallows = true;
    return;
  }
}

}  // namespace sim
