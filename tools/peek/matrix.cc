#include "tools/peek/matrix.h"

#include "tools/common/printable.h"
#include "tools/peek/figures.h"

namespace peek {

namespace {

Sight dialled_up(const Link& link) {
  if (!link.accepted) return Sight::unconfirmed;
  if (!*link.accepted) return Sight::only_from;
  return link.canary == Canary::lost ? Sight::lost : Sight::up;
}

// Of ends that nobody reaches, the word is an old one.
Link without_old_words(Link link, bool from_unreached, bool to_unreached) {
  if (to_unreached) link.accepted.reset();
  if (from_unreached && (link.dialled == Dialled::up || link.dialled == Dialled::syncing)) link.dialled = Dialled::down;
  return link;
}

Sight sight_of(const Link& link) {
  // A link in the making may have been accepted already; one that its dialler has given up may not.
  const bool stale = link.accepted.value_or(false);
  switch (link.dialled) {
    case Dialled::up: return dialled_up(link);
    case Dialled::syncing: return Sight::syncing;
    case Dialled::connecting: return stale ? Sight::only_to : Sight::connecting;
    case Dialled::backoff: return stale ? Sight::only_to : Sight::backoff;
    case Dialled::refused: return stale ? Sight::only_to : Sight::refused;
    case Dialled::down: return stale ? Sight::only_to : Sight::down;
    case Dialled::unknown: return stale ? Sight::only_to : Sight::missing;
  }
  return Sight::missing;
}

std::string_view word(Dialled dialled) {
  switch (dialled) {
    case Dialled::unknown: return "nothing";
    case Dialled::up: return "up";
    case Dialled::syncing: return "syncing";
    case Dialled::connecting: return "connecting";
    case Dialled::backoff: return "backoff";
    case Dialled::refused: return "refused";
    case Dialled::down: return "down";
  }
  return "";
}

std::string because(const std::string& why) { return why.empty() ? "" : ": " + tool::printable(why); }

}  // namespace

Legend legend(Sight sight) {
  switch (sight) {
    case Sight::self: return {'\\', "itself"};
    case Sight::none: return {' ', "not expected"};
    case Sight::up: return {'.', "up"};
    case Sight::lost: return {'~', "lost"};
    case Sight::unconfirmed: return {'?', "unsure"};
    case Sight::only_from: return {'>', "one way"};
    case Sight::only_to: return {'<', "one way"};
    case Sight::syncing: return {'s', "syncing"};
    case Sight::connecting: return {'c', "connecting"};
    case Sight::backoff: return {'b', "backoff"};
    case Sight::refused: return {'R', "refused"};
    case Sight::down: return {'D', "down"};
    case Sight::missing: return {'!', "missing"};
  }
  return {};
}

Matrix::Matrix(const Cluster& cluster)
    : size_(cluster.nodes.size()), cells_(size_ * size_), unreached_(size_), of_node_(size_) {
  reach(cluster);
  for (const Link& link : cluster.links) {
    Cell& cell = cells_[link.from * size_ + link.to];
    cell.link = &link;
    cell.sight = sight_of(without_old_words(link, unreached_[link.from], unreached_[link.to]));
  }
  for (std::size_t from = 0; from < size_; ++from) {
    for (std::size_t to = 0; to < size_; ++to) {
      Cell& cell = cells_[from * size_ + to];
      cell.expected = from != to && cluster.nodes[from].listed && cluster.nodes[to].listed;
      if (from == to) cell.sight = Sight::self;
      if (cell.sight == Sight::none && cell.expected) cell.sight = Sight::missing;
      ++of_sight_[static_cast<std::size_t>(cell.sight)];
      if (!cell.expected) continue;
      for (Count* count : {&all_, &of_node_[from], &of_node_[to]}) {
        ++count->expected;
        if (cell.sight == Sight::up) ++count->up;
      }
    }
  }
}

// From the node asked on, by links that those say live who were reached already.
void Matrix::reach(const Cluster& cluster) {
  std::vector<bool> reached(size_, false);
  if (const std::size_t asked = cluster.find(cluster.node); asked < size_) reached[asked] = true;
  for (bool more = true; more;) {
    more = false;
    for (const Link& link : cluster.links) {
      const bool dialled = link.dialled == Dialled::up || link.dialled == Dialled::syncing;
      const bool there = reached[link.from] && dialled && !reached[link.to];
      const bool back = reached[link.to] && link.accepted.value_or(false) && !reached[link.from];
      if (there) reached[link.to] = true;
      if (back) reached[link.from] = true;
      more = more || there || back;
    }
  }
  for (std::size_t node = 0; node < size_; ++node) unreached_[node] = cluster.nodes[node].listed && !reached[node];
}

std::string in_words(const Cluster& cluster, std::size_t from, std::size_t to, const Cell& cell) {
  const std::string one = tool::printable(cluster.nodes[from].name);
  const std::string other = tool::printable(cluster.nodes[to].name);
  const std::string ends = one + " -> " + other + " ";
  const std::string why = cell.link == nullptr ? "" : because(cell.link->why);
  switch (cell.sight) {
    case Sight::self: return one + " itself";
    case Sight::none: return ends + "is not expected";
    case Sight::up: return ends + "up";
    case Sight::lost: return ends + "up, but messages through it are lost" + because(cell.link->canary_why);
    case Sight::unconfirmed: return ends + "up, but " + other + " has not said so" + why;
    case Sight::only_from: return ends + "one way: " + one + " says up, " + other + " has not accepted it" + why;
    case Sight::only_to:
      return ends + "one way: " + other + " has accepted it, " + one + " says " +
             std::string(word(cell.link->dialled)) + why;
    case Sight::backoff:
      return ends + "backoff" + (cell.link->next_try_ms ? ", next try in " + span_ms(*cell.link->next_try_ms) : "") +
             why;
    case Sight::syncing:
    case Sight::connecting:
    case Sight::refused: return ends + std::string(word(cell.link->dialled)) + why;
    case Sight::down: return ends + "down" + why;
    case Sight::missing: return ends + "missing: nobody has told of it";
  }
  return ends;
}

}  // namespace peek
