// The users of a run: who they are, and how they log in.
//
// All have names that no other run gives. What is written between them is the post's;
// the crowd knows who is in, who was not let in, and who was lost.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/dialect.h"
#include "tools/bench/exit.h"
#include "tools/bench/histogram.h"
#include "tools/bench/loop.h"
#include "tools/bench/place.h"

namespace bench {

// Who is told what users write to each other, and what becomes of it.
class Post {
 public:
  virtual ~Post() = default;
  virtual void arrived(Client& receiver, std::string_view payload) = 0;
  virtual void settled(Client& sender) = 0;
  virtual void refused(Client& sender, std::string_view code, std::string_view why) = 0;
};

// How fast they come.
struct Pace {
  std::size_t at_once = 128;  // so many on their way in at a time; 0: all
  double per_second = 0;      // 0: as soon as there is room
};

class Crowd final : private Loop::Owner {
 public:
  // `dialect` outlives it. Of the nodes there is at least one.
  Crowd(const Dialect& dialect, std::vector<Place> nodes);

  // May we have that many connections? The failure says what to do.
  static Ending make_room(std::size_t connections);

  void set_post(Post* post) { post_ = post; }
  Loop& loop() { return loop_; }
  std::size_t node_count() const { return nodes_.size(); }

  // Somebody who is not in yet; stays where they are.
  Client& add(Role role, std::uint32_t index, std::size_t node);

  // All who are not in come in, at that pace; step() as time goes on.
  void admit(const Pace& pace);
  void step(Nanos now);
  // The next moment at which step() has something to do.
  Nanos next_step() const;
  bool all_in() const { return next_ == clients_.size() && on_the_way_ == 0; }
  // The same, to its end. Failed where one is not let in.
  Ending admit_all(const Pace& pace, Nanos deadline);
  // Out, and in again.
  void come_again(Client& client);

  std::size_t size() const { return clients_.size(); }
  std::size_t present() const { return present_; }
  // Of those that admit() began with: how long until that share of them was in.
  Nanos time_to(double share) const;
  std::size_t admitted() const { return admitted_at_.size(); }
  // From when each was due to when it was in.
  const Histogram& login_spans() const { return login_spans_; }
  std::size_t turned_away() const { return turned_away_; }
  // Who was in and was lost.
  std::size_t gone() const { return gone_; }
  // The first that was turned away or lost, and why.
  const Ending& trouble() const { return trouble_; }

 private:
  void logged_in(Client& client) override;
  void arrived(Client& client, std::string_view payload) override;
  void settled(Client& sender) override;
  void refused(Client& client, std::string_view code, std::string_view why) override;
  void lost(Client& client, Client::State before, const std::string& why) override;

  void dial(Client& client);
  void turn_away(const Client& client, Exit exit, const std::string& why);

  std::vector<Place> nodes_;
  Loop loop_;
  std::string prefix_;
  std::deque<Client> clients_;
  std::vector<Nanos> due_at_;  // by serial
  Post* post_ = nullptr;

  Pace pace_{};
  Nanos began_ = 0;
  std::size_t first_ = 0;  // of those that are being admitted
  std::size_t next_ = 0;
  std::size_t on_the_way_ = 0;
  std::size_t present_ = 0;
  std::vector<Nanos> admitted_at_;
  Histogram login_spans_;
  std::size_t turned_away_ = 0;
  std::size_t gone_ = 0;
  Ending trouble_{};
};

}  // namespace bench
