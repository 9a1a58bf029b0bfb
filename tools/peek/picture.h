// All that there is to show of one sighting: the cluster, its links judged, and
// what there is to say. Made once for each sighting.
#pragma once

#include <utility>
#include <vector>

#include "tools/peek/cluster.h"
#include "tools/peek/findings.h"
#include "tools/peek/matrix.h"

namespace peek {

struct Picture {
  explicit Picture(Cluster seen) : cluster(std::move(seen)), matrix(cluster), found(findings(cluster, matrix)) {}
  // The matrix points into the cluster.
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;

  const Cluster cluster;
  const Matrix matrix;
  const std::vector<Finding> found;
};

}  // namespace peek
