// Balancer: what a policy is to the simulator.
#ifndef LEASTWISE_TESTS_SIM_ENGINE_BALANCER_H_
#define LEASTWISE_TESTS_SIM_ENGINE_BALANCER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/scenario.h"
#include "engine/server.h"

namespace leastwise::sim {

// A request. A policy that is not an oracle reads only what a real balancer knows: id,
// route, prefix, server and sent_at.
struct Job {
  enum class State : std::uint8_t { kFree, kOut, kAbandoned };

  JobId id = 0;
  std::uint32_t route = 0;
  std::uint32_t prefix = 0;
  std::uint32_t balancer = 0;
  std::uint32_t server = 0;
  double sent_at = 0;

  double size = 0;
  double prefill = 0;
  double started_at = 0;
  std::uint32_t generation = 0;  // ids are used again; this tells their jobs apart
  State state = State::kFree;
  bool answered = false;  // its first byte came, and its end did not
};

enum class Ending : std::uint8_t { kOk, kError, kTimeout, kNoServer };

struct Answer {
  Ending ending = Ending::kOk;
  double latency_ms = 0;
  // What a server with an agent would report with an answer, for policies that need it.
  struct Report {
    std::uint32_t in_flight = 0;
    double service_ms = 0;
    double utilisation = 0;  // 0…1; what antagonists take counts as used
  };
  std::optional<Report> report;
};

// What is going on. A policy that is not an oracle reads only now, up and the scenario's
// timeout and number of balancers.
struct World {
  const Scenario& scenario;
  double now = 0;
  std::vector<std::uint32_t> up{};  // servers, in order
  std::vector<Server> servers{};
  const std::vector<Job>* jobs = nullptr;
};

class Balancer {
 public:
  virtual ~Balancer() = default;
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;

  // The server to send the job to, nothing if there is none. Each pick is followed by
  // exactly one finish.
  virtual std::optional<std::uint32_t> pick(const Job& job) = 0;
  virtual void finish(const Job& job, const Answer& answer) = 0;
  // The first byte of an event stream; finish() comes at its end, with nothing new to say.
  virtual void answered(const Job&, const Answer&) {}
  virtual void server_down(std::uint32_t) {}
  virtual void server_up(std::uint32_t) {}
  // Whether it tells the others what it has, now and then; what that is, and what balancer `teller`
  // told.
  virtual bool shares() const { return false; }
  virtual std::string tell() { return {}; }
  virtual void hear(std::uint32_t, const std::string&) {}
  // Every 100 ms.
  virtual void tick() {}

 protected:
  Balancer() = default;
};

using MakeBalancer =
    std::function<std::unique_ptr<Balancer>(const World& world, std::uint64_t seed)>;

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_BALANCER_H_
