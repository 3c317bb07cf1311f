/** Programs that are not ours: commands as gates, grpcurl, the nats CLI, which finds a moved link. */
import './gateCommands.ts';
import './outsideTools.ts';
