#include <cmath>

#include "policies/baselines.h"
#include "policies/scan.h"

namespace leastwise::sim {
namespace {

class LeastConn final : public Scan {
 public:
  using Scan::Scan;

 private:
  double cost(std::uint32_t server, const Job&) override { return in_flight(server); }
};

class BoundedHash final : public Scan {
 public:
  using Scan::Scan;

 private:
  static constexpr double kBound = 1.25;  // times the mean

  void prepare() override {
    double total = 1;
    for (const std::uint32_t s : world().up) total += in_flight(s);
    limit_ = std::ceil(kBound * total / static_cast<double>(world().up.size()));
  }
  double cost(std::uint32_t server, const Job& job) override {
    if (in_flight(server) + 1 > limit_) return 2;
    return Random(job.prefix * std::uint64_t{1000003} + server * std::uint64_t{7919} + 1).uniform();
  }

  double limit_ = 0;
};

}  // namespace

std::unique_ptr<Balancer> make_plain_least_conn(const World& world, std::uint64_t seed) {
  return std::make_unique<LeastConn>(world, seed);
}

std::unique_ptr<Balancer> make_plain_two_choices(const World& world, std::uint64_t seed) {
  return std::make_unique<LeastConn>(world, seed, 2);
}

std::unique_ptr<Balancer> make_bounded_hash(const World& world, std::uint64_t seed) {
  return std::make_unique<BoundedHash>(world, seed);
}

}  // namespace leastwise::sim
