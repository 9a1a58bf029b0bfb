// What this node knows of the whole mesh: it tells the others what it knows of itself,
// and hears what they tell.
//
// Its load goes out every load_every; its links where something about them has changed,
// but not oftener than every change_every, and all of them every all_every, which heals
// whatever was lost on the way. A node that is new to it is told all at once. What two
// nodes cannot tell each other, the first that hears both passes on.
//
// Knows no sockets and no clock. Owned by the node, which calls tick() at the end of
// every turn.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/mesh.h"
#include "peer/time.h"
#include "src/node/cluster.h"
#include "src/node/events.h"
#include "src/node/hearsay.h"
#include "src/node/status.h"

namespace node {

class Lookout {
 public:
  static constexpr peer::Millis load_every{2000};
  static constexpr peer::Millis all_every{10'000};
  static constexpr peer::Millis change_every{500};
  // What changes by silence alone is seen within this.
  static constexpr peer::Millis look_every{1000};

  // How the others are told, all or one; and what is told.
  struct Sources {
    std::function<void(std::string_view body)> tell_all;
    std::function<void(peer::PeerId to, std::string_view body)> tell;
    std::function<void(std::string_view to, std::string_view body)> pass_on;
    std::function<Vitals()> vitals;
  };
  explicit Lookout(Sources sources) : sources_(std::move(sources)) {}

  void on_report(const peer::Report& report, peer::Time now, std::int64_t wall_ms);
  void on_news(std::string_view from, peer::Incarnation life, std::string_view body, peer::Time now) {
    hearsay_.note(from, life, body, now);
  }

  // What another node has passed on.
  void on_relayed(std::string_view body, peer::Time now);

  peer::Time wake_at() const { return wake_at_; }
  void tick(peer::Time now);

  Cluster cluster(peer::Time now) const;
  // Where clients of the one with the fewest sessions of these peers connect, of those that
  // are linked and take clients; nothing: none has fewer than that.
  std::optional<peer::Address> less_loaded(const std::vector<peer::Mesh::PeerView>& peers, std::uint64_t sessions,
                                           peer::Time now) const;
  const Hearsay& hearsay() const { return hearsay_; }

 private:
  void welcome(const Vitals& vitals, const std::vector<LinkWord>& links);
  void tell_changes(const Vitals& vitals, const std::vector<LinkWord>& links, peer::Time now);
  bool has_gone(const std::vector<LinkWord>& links) const;
  void pass_on(const Vitals& vitals, const std::vector<LinkWord>& links, peer::Time now);
  const Hearsay::Word* heard(std::string_view node, peer::Time now) const;
  bool is_first(const Vitals& vitals, std::string_view one, std::string_view other, peer::Time now) const;
  std::vector<LinkWord> news(const std::vector<LinkWord>& links) const;
  void tell_all(const Vitals& vitals, const std::vector<LinkWord>& links, peer::Time now);

  Sources sources_;
  Hearsay hearsay_;
  Events events_;
  std::vector<peer::PeerId> newcomers_;
  std::map<std::string, LinkWord, std::less<>> told_;  // of the links, by peer
  Vitals::Stage told_stage_{};
  peer::Time wake_at_{0};
  peer::Time all_at_{0};
  peer::Time load_at_{0};
  peer::Time pass_on_at_{0};
  peer::Time told_at_ = -change_every;
};

}  // namespace node
