// differential-player agent CONFIG SERVER… | differential-player simulator POLICY SERVER…
#include <exception>
#include <iostream>
#include <sstream>

#include "player.h"

namespace leastwise::differential {
namespace {

TraceServer server_of(const std::string& text) {
  std::istringstream parts(text);
  std::string name, weight, remote;
  std::getline(parts, name, '=');
  std::getline(parts, weight, '=');
  std::getline(parts, remote);
  return {name, static_cast<std::uint32_t>(std::stoul(weight)), remote == "remote"};
}

Asked asked_of(std::istream& line) {
  Asked asked;
  std::string headers, header;
  line >> asked.id >> asked.path >> asked.client >> headers;
  if (headers == "-") return asked;
  for (std::istringstream parts(headers); std::getline(parts, header, ',');) {
    const std::size_t equals = header.find('=');
    asked.headers.emplace_back(header.substr(0, equals), header.substr(equals + 1));
  }
  return asked;
}

void play(Player& player) {
  std::string text, event;
  while (std::getline(std::cin, text)) {
    std::istringstream line(text);
    std::int64_t ms = 0;
    line >> event >> ms;
    if (event == "pick") {
      std::cout << player.pick(ms, asked_of(line)) << std::endl;
    } else if (event == "done") {
      Ended ended;
      line >> ended.id >> ended.took_ms >> ended.how >> ended.report;
      player.done(ms, ended);
    } else {
      player.tick(ms);
    }
  }
}

int run(const std::vector<std::string>& words) {
  std::vector<TraceServer> servers;
  for (std::size_t i = 2; i < words.size(); ++i) servers.push_back(server_of(words[i]));
  const auto player = words.at(0) == "agent" ? make_agent(words.at(1), servers)
                                             : make_simulator(words.at(1), servers);
  play(*player);
  return 0;
}

}  // namespace
}  // namespace leastwise::differential

int main(int argc, char** argv) {
  try {
    return leastwise::differential::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "differential-player: " << error.what() << '\n';
    return 2;
  }
}
