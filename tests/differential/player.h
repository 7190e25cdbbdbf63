// Player: a front end without its sockets, driven by one line for each event of a trace.
//
//   pick MS ID PATH CLIENT HEADERS    answers the server's number; HEADERS: NAME=VALUE,… or -
//   done MS ID TOOK ENDING REPORT     it took so many milliseconds; REPORT: of load, in base64, or
//   - tick MS
//
// Server i of the trace is the i-th of the command line: NAME=WEIGHT, or NAME=WEIGHT=remote.
#ifndef LEASTWISE_TESTS_DIFFERENTIAL_PLAYER_H_
#define LEASTWISE_TESTS_DIFFERENTIAL_PLAYER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace leastwise::differential {

struct TraceServer {
  std::string name;  // IP:PORT, which scripts see as its name and its address
  std::uint32_t weight = 1;
  bool remote = false;
};

struct Asked {
  std::uint32_t id = 0;
  std::string path;
  std::string client;  // IPv4
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Ended {
  std::uint32_t id = 0;
  std::int64_t took_ms = 0;
  std::string how;  // ok, error, missing, moved, empty, nothing, cut, left, reset
  std::string report;
};

class Player {
 public:
  virtual ~Player() = default;
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // -1: none.
  virtual int pick(std::int64_t ms, const Asked& asked) = 0;
  virtual void done(std::int64_t ms, const Ended& ended) = 0;
  virtual void tick(std::int64_t ms) = 0;

 protected:
  Player() = default;
};

// `config`: the agent's own file, with a backend `app`.
std::unique_ptr<Player> make_agent(const std::string& config,
                                   const std::vector<TraceServer>& servers);
// `policy`: a name of the simulator's, such as lua:FILE.
std::unique_ptr<Player> make_simulator(const std::string& policy,
                                       const std::vector<TraceServer>& servers);

}  // namespace leastwise::differential

#endif  // LEASTWISE_TESTS_DIFFERENTIAL_PLAYER_H_
