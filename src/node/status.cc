#include "src/node/status.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "peer/buffer.h"
#include "peer/frame.h"
#include "peer/utf8.h"
#include "src/client/text.h"

namespace node {

namespace {

enum class Section : std::uint8_t { identity = 1, load = 2, table = 3 };

constexpr std::uint8_t bit_listed = 1;
constexpr std::uint8_t bit_accepted = 2;
constexpr std::uint8_t bit_rtt = 4;
constexpr std::uint8_t bit_next_try = 8;

// Most numbers are small: seven bits a byte, the low ones first.
void put_number(peer::Writer& writer, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) writer.u8(static_cast<std::uint8_t>(number | 0x80U));
  writer.u8(static_cast<std::uint8_t>(number));
}

std::uint64_t number(peer::Reader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = reader.u8();
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

template <class Span>
void put_span(peer::Writer& writer, Span span) {
  put_number(writer, static_cast<std::uint64_t>(std::max(span, Span(0)).count()));
}
template <class Span>
Span span(peer::Reader& reader) {
  return Span(static_cast<typename Span::rep>(number(reader) & (~std::uint64_t{0} >> 1U)));
}

std::string_view cut(std::string_view text, std::size_t bytes_max) {
  std::size_t end = std::min(text.size(), bytes_max);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

// What strangers answered a dial with may be anything.
std::string shown(std::string_view text) {
  std::string safe;
  client::append_shown(safe, text);
  return safe;
}

// It is shown to people and stands in JSON.
bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = peer::next_utf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// What an enumeration has; 0 for one that it has not, and `good` is false.
template <class Enum>
Enum one_of(std::uint8_t value, Enum last, bool& good) {
  if (value > static_cast<std::uint8_t>(last)) good = false;
  return good ? Enum{value} : Enum{};
}

bool read_address(peer::Reader& reader, peer::Address& into) {
  const std::string_view text = reader.text8();
  if (text.empty()) return reader.ok();
  const auto address = peer::parse_address(text);
  if (address) into = *address;
  return static_cast<bool>(address);
}

std::string address_text(const peer::Address& address) { return address.host.empty() ? "" : to_string(address); }

void write(peer::Writer& writer, const Identity& identity) {
  writer.text8(cut(identity.version, 64));
  for (const peer::Address* each : {&identity.peer, &identity.client, &identity.http})
    writer.text8(cut(address_text(*each), 255));
  const std::size_t count = std::min(identity.settings.size(), Status::settings_max);
  writer.u8(static_cast<std::uint8_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    writer.text8(cut(identity.settings[i].key, 64));
    writer.text8(cut(identity.settings[i].value, 255));
  }
}

std::optional<Identity> read_identity(std::string_view body) {
  peer::Reader reader(body);
  Identity identity;
  identity.version = reader.text8();
  for (peer::Address* const each : {&identity.peer, &identity.client, &identity.http})
    if (!read_address(reader, *each)) return std::nullopt;
  const std::size_t count = reader.u8();
  if (count > Status::settings_max) return std::nullopt;
  bool good = is_utf8(identity.version);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view key = reader.text8();
    const std::string_view value = reader.text8();
    good = good && is_utf8(key) && is_utf8(value);
    identity.settings.push_back({std::string(key), std::string(value)});
  }
  if (!reader.ok() || !good) return std::nullopt;
  return identity;
}

void write(peer::Writer& writer, const Load& load) {
  writer.u8(static_cast<std::uint8_t>(load.stage));
  writer.u8(static_cast<std::uint8_t>(load.redis));
  writer.u8(load.redis_latency ? 1 : 0);
  put_span(writer, load.redis_latency.value_or(peer::Micros(0)));
  for (const std::uint64_t each : {load.uptime_s, load.sessions, load.users, load.rooms}) put_number(writer, each);
  writer.u64(std::bit_cast<std::uint64_t>(load.chats_per_s));
  put_span(writer, load.loop_lag);
  put_number(writer, load.memory_bytes);
}

std::optional<Load> read_load(std::string_view body) {
  peer::Reader reader(body);
  Load load;
  bool good = true;
  load.stage = one_of(reader.u8(), Vitals::Stage::draining, good);
  load.redis = one_of(reader.u8(), Vitals::Service::up, good);
  const bool has_latency = reader.u8() != 0;
  const auto latency = span<peer::Micros>(reader);
  if (has_latency) load.redis_latency = latency;
  for (std::uint64_t* const each : {&load.uptime_s, &load.sessions, &load.users, &load.rooms}) *each = number(reader);
  load.chats_per_s = std::bit_cast<double>(reader.u64());
  load.loop_lag = span<peer::Micros>(reader);
  load.memory_bytes = number(reader);
  // Not for a number that is none, nor for one that JSON has not.
  good = good && load.chats_per_s >= 0 && load.chats_per_s < 1e15;
  if (!reader.ok() || !good) return std::nullopt;
  return load;
}

std::string entry(const LinkWord& link) {
  peer::Buffer body;
  peer::Writer writer(body);
  writer.text8(link.peer);
  writer.u8(static_cast<std::uint8_t>((link.listed ? bit_listed : 0) | (link.accepted ? bit_accepted : 0) |
                                      (link.rtt ? bit_rtt : 0) | (link.next_try ? bit_next_try : 0)));
  writer.u8(static_cast<std::uint8_t>(link.health));
  writer.u8(static_cast<std::uint8_t>(link.state));
  writer.u8(static_cast<std::uint8_t>(link.canary));
  if (link.rtt) put_span(writer, *link.rtt);
  if (link.next_try) put_span(writer, *link.next_try);
  put_number(writer, link.waiting_bytes);
  put_number(writer, link.reconnects);
  writer.text8(cut(link.why, Status::why_bytes_max));
  return std::string(body.view());
}

std::optional<LinkWord> read_entry(std::string_view body) {
  peer::Reader reader(body);
  LinkWord link;
  bool good = true;
  link.peer = reader.text8();
  const std::uint8_t bits = reader.u8();
  link.listed = (bits & bit_listed) != 0;
  link.accepted = (bits & bit_accepted) != 0;
  link.health = one_of(reader.u8(), peer::Mesh::Health::dead, good);
  link.state = one_of(reader.u8(), LinkState::up, good);
  link.canary = one_of(reader.u8(), peer::Canary::Verdict::lost_back, good);
  if ((bits & bit_rtt) != 0) link.rtt = span<peer::Micros>(reader);
  if ((bits & bit_next_try) != 0) link.next_try = span<peer::Millis>(reader);
  link.waiting_bytes = number(reader);
  link.reconnects = number(reader);
  link.why = reader.text8();
  if (!reader.ok() || !good || !peer::valid_node_name(link.peer) || !is_utf8(link.why)) return std::nullopt;
  return link;
}

void write(peer::Writer& writer, const LinkTable& table) {
  assert(table.links.size() <= Status::links_max);
  writer.u8(table.all ? 1 : 0);
  writer.u8(static_cast<std::uint8_t>(table.links.size()));
  for (const LinkWord& link : table.links) writer.text8(entry(link));
}

std::optional<LinkTable> read_table(std::string_view body) {
  peer::Reader reader(body);
  LinkTable table;
  table.all = reader.u8() != 0;
  const std::size_t count = reader.u8();
  if (count > Status::links_max) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    auto link = read_entry(reader.text8());
    if (!link) return std::nullopt;
    table.links.push_back(std::move(*link));
  }
  if (!reader.ok()) return std::nullopt;
  return table;
}

template <class Part>
void put_section(peer::Writer& writer, Section kind, const std::optional<Part>& part) {
  if (!part) return;
  peer::Buffer body;
  peer::Writer inner(body);
  write(inner, *part);
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.text16(body.view());
}

// False: it makes no sense, or was there before.
template <class Part>
bool take(std::optional<Part>& into, std::optional<Part> part) {
  if (into || !part) return false;
  into = std::move(part);
  return true;
}

bool read_section(std::uint8_t kind, std::string_view body, Status& status) {
  switch (Section{kind}) {
    case Section::identity: return take(status.identity, read_identity(body));
    case Section::load: return take(status.load, read_load(body));
    case Section::table: return take(status.table, read_table(body));
  }
  return true;
}

}  // namespace

std::string encode(const Status& status) {
  peer::Buffer body;
  peer::Writer writer(body);
  put_section(writer, Section::identity, status.identity);
  put_section(writer, Section::load, status.load);
  put_section(writer, Section::table, status.table);
  return std::string(body.view());
}

std::optional<Status> decode(std::string_view body) {
  peer::Reader reader(body);
  Status status;
  while (reader.more()) {
    const std::uint8_t kind = reader.u8();
    const std::string_view section = reader.text16();
    if (!reader.ok() || !read_section(kind, section, status)) return std::nullopt;
  }
  return status;
}

Identity identity_of(const Vitals& vitals) {
  return {CROSSTALK_VERSION, vitals.peer, vitals.client, vitals.http, vitals.settings};
}

Load load_of(const Vitals& vitals) {
  Load load;
  load.stage = vitals.stage;
  load.redis = vitals.redis;
  load.redis_latency = vitals.redis_latency;
  load.uptime_s = static_cast<std::uint64_t>(vitals.uptime.count()) / 1000;
  load.sessions = load.users = vitals.users;  // one a user
  load.chats_per_s = vitals.chats_per_s;
  load.loop_lag = vitals.loop_lag;
  load.memory_bytes = vitals.memory_bytes;
  return load;
}

std::vector<LinkWord> links_of(const Vitals& vitals) {
  std::vector<LinkWord> links;
  for (const peer::Mesh::PeerView& peer : vitals.peers) {
    LinkWord link{peer.name, peer.listed, peer.health, peer.accepts, link_state(peer)};
    if (peer.state == peer::OutLink::State::up) link.rtt = peer.rtt;
    link.waiting_bytes = peer.waiting_bytes;
    link.reconnects = peer.reconnects;
    link.next_try = peer.next_try;
    if (!peer.synced) link.why = cut(shown(peer.why), Status::why_bytes_max);
    link.canary = peer.canary;
    links.push_back(std::move(link));
  }
  return links;
}

}  // namespace node
