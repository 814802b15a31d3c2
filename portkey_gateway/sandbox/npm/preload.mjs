// Loaded before the gateway itself, which knows neither option: it would listen on every interface and outlive its parent.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, _host, ...rest) {
  return listen.call(this, port, '127.0.0.1', ...rest);
};

// Standard input is a pipe the parent never writes to. However the parent ends, the system closes it.
process.stdin.resume().on('end', () => process.exit(0));
