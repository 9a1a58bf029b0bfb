#include "src/node/discovery.h"

#include <utility>

#include "src/node/json.h"

namespace node {

namespace {

constexpr peer::Millis lease_life{10'000};
constexpr peer::Millis renew_every{3'000};
constexpr peer::Millis look_every{1'000};
// Members beyond this are passed over: nobody runs such a mesh, somebody filled
// the set.
constexpr std::size_t members_max = 4096;

// Writes lease and entry, unless the lease is another life's. Answers "ok", or
// the lease that stands. KEYS nodes lease changed; ARGV member lease
// incarnation previous ttl force.
constexpr const char* renew_script = R"(
local held = redis.call('GET', KEYS[2])
if held and ARGV[6] == '0' then
  local good, lease = pcall(cjson.decode, held)
  if good and type(lease) == 'table' and lease.incarnation ~= ARGV[3] and lease.incarnation ~= ARGV[4] then
    return held
  end
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[5])
local added = redis.call('SADD', KEYS[1], ARGV[1])
if added == 1 or held ~= ARGV[2] then redis.call('PUBLISH', KEYS[3], ARGV[1]) end
return 'ok')";

// Takes an entry out unless a lease bears its address by now. KEYS nodes lease
// changed; ARGV member address.
constexpr const char* take_out_script = R"(
local held = redis.call('GET', KEYS[2])
if held then
  local good, lease = pcall(cjson.decode, held)
  if good and type(lease) == 'table' and lease.peer == ARGV[2] then return 0 end
end
local removed = redis.call('SREM', KEYS[1], ARGV[1])
if removed == 1 then redis.call('PUBLISH', KEYS[3], ARGV[1]) end
return removed)";

// Leaves: entry and lease, where the lease is ours. KEYS and ARGV as in renew.
constexpr const char* leave_script = R"(
local held = redis.call('GET', KEYS[2])
if held == ARGV[2] then redis.call('DEL', KEYS[2]) end
if redis.call('SREM', KEYS[1], ARGV[1]) == 1 then redis.call('PUBLISH', KEYS[3], ARGV[1]) end
return 'ok')";

std::optional<peer::Lease> parse_lease(std::string_view text) {
  const Json json(cJSON_ParseWithLength(text.data(), text.size()));
  const char* const incarnation = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json.get(), "incarnation"));
  const char* const address = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json.get(), "peer"));
  if (incarnation == nullptr || address == nullptr) return std::nullopt;
  const auto life = peer::parse_incarnation(incarnation);
  const auto parsed = peer::parse_address(address);
  if (!life || !parsed) return std::nullopt;
  return peer::Lease{*life, *parsed};
}

std::string quoted_cut(std::string_view text) { return std::string(text.substr(0, 200)); }

}  // namespace

Discovery::Discovery(io::Loop& loop, Log& log, peer::Mesh& mesh, peer::Address http, io::RedisPlace place,
                     Events events)
    : loop_(loop),
      log_(log),
      mesh_(mesh),
      events_(std::move(events)),
      prefix_("crosstalk:{" + mesh.self().cluster + "}:"),
      self_{mesh.self().name, mesh.self().advertised},
      http_(std::move(http)),
      renew_timer_(loop, [this] { renew(); }),
      look_timer_(loop, [this] { look(); }),
      redis_(loop, std::move(place), {key("changed")}, *this) {}

Discovery::~Discovery() = default;

std::string Discovery::lease() const {
  const Json json(cJSON_CreateObject());
  cJSON_AddStringToObject(json.get(), "incarnation", to_string(mesh_.incarnation()).c_str());
  cJSON_AddStringToObject(json.get(), "peer", to_string(self_.address).c_str());
  cJSON_AddStringToObject(json.get(), "http", to_string(http_).c_str());
  const JsonText text(cJSON_PrintUnformatted(json.get()));
  return text.get();
}

void Discovery::settle() {
  if (!std::exchange(settled_, true)) events_.settled();
}

void Discovery::on_redis_up() noexcept {
  if (flaps_.come("redis", loop_.now())) log_.info("redis up", {{"address", to_string(redis_.address())}});
  if (leaving_) return;
  events_.up();
  look_timer_.every(look_every);
  renew();
}

void Discovery::on_redis_down(std::string_view why) noexcept {
  if (const std::uint64_t times = flaps_.gone("redis", loop_.now()))
    log_.warn("redis down", {{"why", std::string(why)}, {"times", std::to_string(times)}});
  renew_timer_.stop();
  look_timer_.stop();
  looking_ = false;
  latency_.reset();
  mesh_.redis_lost();
  settle();
}

void Discovery::on_redis_message(std::string_view, std::string_view) noexcept { look(); }

// --- This node's own entry.

void Discovery::renew() {
  if (leaving_) return;
  renew_timer_.at(loop_.now() + renew_every);
  if (checking_) return;
  redis_.command({"EVAL", renew_script, "3", key("nodes"), key("lease:" + self_.name), key("changed"), to_string(self_),
                  lease(), to_string(mesh_.incarnation()), to_string(mesh_.self().previous),
                  std::to_string(lease_life.count()), force_ ? "1" : "0"},
                 [this](io::Reply reply) { renewed(reply); });
}

void Discovery::renewed(const io::Reply& reply) {
  if (leaving_) return;
  switch (reply.kind()) {
    case io::Reply::Kind::none: return;
    case io::Reply::Kind::error:
      if (const std::uint64_t times = repeats_.count("renew"))
        log_.error("redis refuses the lease", {{"why", quoted_cut(reply.text())}, {"times", std::to_string(times)}});
      return settle();
    case io::Reply::Kind::text: break;
    case io::Reply::Kind::nil:
    case io::Reply::Kind::integer:
    case io::Reply::Kind::list: return;
  }
  if (reply.text() != "ok") return contest(reply.text());
  force_ = false;
  repeats_.forget("renew");
  if (!std::exchange(joined_, true)) log_.info("joined the set of nodes", {{"as", to_string(self_)}});
  settle();
  look();
}

// Another life's lease stands under this node's name. Whoever had this very
// address is dead, for the port is ours; elsewhere a hello tells.
void Discovery::contest(std::string_view held) {
  const std::optional<peer::Lease> other = parse_lease(held);
  if (!other || other->peer == self_.address) {
    force_ = true;
    return renew();
  }
  if (probe_) return;
  const auto answered = [this, at = to_string(other->peer)](bool alive) {
    probe_.reset();
    if (leaving_) return;
    if (alive)
      return events_.name_taken("the name " + self_.name + " belongs to a living node at " + at +
                                "; give this one another name (--node)");
    force_ = true;
    renew();
  };
  probe_ = std::make_unique<Probe>(loop_, mesh_.self(), other->peer, other->incarnation, answered);
}

void Discovery::check(std::function<void(bool)> then) {
  if (!redis_.up()) return then(true);
  checking_ = true;
  redis_.command({"SISMEMBER", key("nodes"), to_string(self_)}, [this, then = std::move(then)](io::Reply member) {
    const bool in_set = member.kind() != io::Reply::Kind::integer || member.integer() == 1;
    redis_.command({"GET", key("lease:" + self_.name)}, [this, in_set, then](io::Reply held) {
      checking_ = false;
      const std::optional<peer::Lease> lease = parse_lease(held.text());
      const bool ours = !lease || lease->incarnation == mesh_.incarnation();
      then(!held.ok() || (in_set && ours));
    });
  });
}

void Discovery::leave(std::function<void()> then) {
  leaving_ = true;
  renew_timer_.stop();
  look_timer_.stop();
  redis_.command(
      {"EVAL", leave_script, "3", key("nodes"), key("lease:" + self_.name), key("changed"), to_string(self_), lease()},
      [then = std::move(then)](io::Reply) { then(); });
}

// --- The others.

void Discovery::look() {
  if (leaving_ || !redis_.up()) return;
  if (looking_) {
    look_again_ = true;
    return;
  }
  looking_ = true;
  look_again_ = false;
  asked_at_ = loop_.now();
  redis_.command({"SMEMBERS", key("nodes")}, [this](io::Reply reply) { seen_members(reply); });
}

void Discovery::seen_members(const io::Reply& reply) {
  if (reply.kind() != io::Reply::Kind::list) {
    looking_ = false;
    return;
  }
  std::set<std::string, std::less<>> nonsense;
  latency_ = loop_.now() - asked_at_;
  std::vector<peer::Member> members;
  std::vector<std::string> get{"MGET"};
  for (std::size_t i = 0; i < reply.size() && members.size() < members_max; ++i) {
    auto member = peer::parse_member(reply[i].text());
    if (!member || is_wildcard(member->address)) {
      nonsense.insert(std::string(reply[i].text()));
      continue;
    }
    get.push_back(key("lease:" + member->name));
    members.push_back(std::move(*member));
  }
  clear_away(nonsense);
  if (members.empty()) get.push_back(key("lease:"));  // MGET wants one
  redis_.command(get, [this, members = std::move(members)](io::Reply leases) { seen_leases(members, leases); });
}

// What no node can be called: it has no lease to look at.
void Discovery::clear_away(const std::set<std::string, std::less<>>& nonsense) {
  std::erase_if(nonsense_since_, [&](const auto& each) { return !nonsense.contains(each.first); });
  for (const std::string& entry : nonsense) {
    const auto [since, is_new] = nonsense_since_.emplace(entry, loop_.now());
    if (is_new) {
      if (const std::uint64_t times = repeats_.count("member"))
        log_.warn("the set of nodes has an entry that is none",
                  {{"entry", quoted_cut(entry)}, {"times", std::to_string(times)}});
    } else if (loop_.now() - since->second >= mesh_.self().timing.stranger_grace) {
      redis_.command({"SREM", key("nodes"), entry}, [](io::Reply) {});
    }
  }
}

void Discovery::seen_leases(std::vector<peer::Member> members, const io::Reply& leases) {
  looking_ = false;
  if (leaving_ || leases.kind() != io::Reply::Kind::list || leases.size() < members.size()) return;
  std::vector<peer::Listed> view;
  for (std::size_t i = 0; i < members.size(); ++i)
    view.push_back({std::move(members[i]), parse_lease(leases[i].text())});
  for (const peer::Member& member : mesh_.listed(view, loop_.now())) take_out(member);
  has_looked_ = true;
  if (look_again_) look();
}

void Discovery::take_out(const peer::Member& member) {
  redis_.command({"EVAL", take_out_script, "3", key("nodes"), key("lease:" + member.name), key("changed"),
                  to_string(member), to_string(member.address)},
                 [this, entry = to_string(member)](io::Reply reply) {
                   if (reply.kind() == io::Reply::Kind::integer && reply.integer() == 1)
                     log_.info("took a stale entry out of the set of nodes", {{"entry", entry}});
                 });
}

}  // namespace node
