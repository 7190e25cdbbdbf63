// Metrics: the companion's own figures, as Prometheus reads them. docs/kubernetes.md lists them.
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_METRICS_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "discovery/source.h"
#include "drive/driver.h"

namespace leastwise::companion {

// Of one pool, at one moment.
struct PoolFigures {
  std::string kind, name;  // "upstream", "app"
  std::size_t up = 0, draining = 0;
  bool is_current = false;  // the source answers
  // Since the source answered, and since the proxy had what it should: 0 while it has; none: never.
  std::optional<double> source_age_s{}, proxy_age_s{};
  discovery::SourceFigures source{};
  drive::DriverFigures driver{};
};

// Of `share`.
struct ShareFigures {
  bool is_connected = false;
  std::uint64_t tellers = 0;  // other balancers, of the upstream that has the most
  std::uint64_t told = 0, heard = 0, refused = 0, errors = 0, bytes = 0;
};

struct Figures {
  std::vector<PoolFigures> pools;
  std::optional<ShareFigures> share{};
  std::uint64_t reloads = 0, failed_reloads = 0;
};

std::string metrics_text(const Figures& figures);

// Each source answers, and each proxy has what it should.
bool is_well(const Figures& figures) noexcept;

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_METRICS_H_
