"""Target eks: an EKS cluster with managed node groups that the cluster autoscaler can grow from zero."""

import json
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.clusters.cluster import Cluster, elsewhere
from infra.pools import NodePool
from infra.settings import Eks, Settings
from lookout import contract

_EFFECTS: Final = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
_CLUSTER_POLICIES: Final = ("AmazonEKSClusterPolicy",)
_NODE_POLICIES: Final = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")
_TEMPLATE_TAG: Final = "k8s.io/cluster-autoscaler/node-template"


def provision(settings: Settings) -> Cluster:
    """The cluster in the account's default network, and a node group a pool."""
    section = settings.section(Eks)
    region = aws.Provider("aws", region=section.region)
    account = pulumi.ResourceOptions(provider=region)
    control_plane, its_rights = _role("control-plane", "eks", _CLUSTER_POLICIES, account)
    made = aws.eks.Cluster(
        "cluster",
        name=section.name,
        version=section.version,
        role_arn=control_plane.arn,
        vpc_config={"subnet_ids": _subnets((), region)},
        # Node groups enter through access entries, which EKS makes for them.
        access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
        # A role without its policies can neither make nor, on the way down, remove the cluster's network interfaces.
        opts=pulumi.ResourceOptions(provider=region, depends_on=its_rights),
    )
    nodes, their_rights = _role("nodes", "ec2", _NODE_POLICIES, account)
    needs = [_group(pool, section, made, nodes, their_rights, region) for pool in settings.node_pools]
    kubeconfig: pulumi.Output[str] = pulumi.Output.secret(
        pulumi.Output.all(made.endpoint, made.certificate_authority.apply(lambda found: found.data)).apply(
            lambda known: _kubeconfig(section, *known)
        )
    )
    return elsewhere(settings, kubeconfig, made.arn, owner=made, needs=tuple(needs))


def autoscaler_tags(pool: NodePool) -> dict[str, str]:
    """What the autoscaler must know of a group without nodes: labels, taints and GPUs (kubernetes/autoscaler#5278)."""
    tags = {f"{_TEMPLATE_TAG}/label/{key}": value for key, value in pool.all_labels.items()}
    tags |= {f"{_TEMPLATE_TAG}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in pool.all_taints}
    if pool.gpu:
        tags[f"{_TEMPLATE_TAG}/resources/{contract.GPU_RESOURCE}"] = str(pool.gpu.count)
    return dict(sorted(tags.items()))


def group(pool: NodePool) -> dict[str, Any]:
    """A pool as an EKS node group describes it."""
    return {
        "instance_types": [pool.machine_type],
        "ami_type": "AL2023_x86_64_NVIDIA" if pool.gpu else "AL2023_x86_64_STANDARD",
        "capacity_type": "SPOT" if pool.spot else "ON_DEMAND",
        "scaling_config": {"min_size": pool.min, "max_size": pool.max, "desired_size": pool.min},
        "labels": pool.all_labels,
        "taints": [
            {"key": taint.key, "value": taint.value, "effect": _EFFECTS[taint.effect]} for taint in pool.all_taints
        ],
    }


def _group(
    pool: NodePool,
    section: Eks,
    cluster: aws.eks.Cluster,
    role: aws.iam.Role,
    rights: list[aws.iam.RolePolicyAttachment],
    region: aws.Provider,
) -> aws.eks.NodeGroup:
    account = pulumi.ResourceOptions(provider=region)
    template = aws.ec2.LaunchTemplate(
        pool.name,
        # The second hop lets pods reach the metadata service; version 2 of it only.
        metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
        tag_specifications=[{"resource_type": "instance", "tags": {"Name": f"{section.name}-{pool.name}"}}],
        opts=account,
    )
    made = aws.eks.NodeGroup(
        pool.name,
        cluster_name=cluster.name,
        node_group_name=pool.name,
        node_role_arn=role.arn,
        subnet_ids=_subnets(pool.zones, region),
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        **group(pool),
        opts=pulumi.ResourceOptions(
            provider=region,
            depends_on=rights,  # without them no node joins
            ignore_changes=["scalingConfig.desiredSize"],  # the autoscaler moves it
        ),
    )
    scaling_group = made.resources.apply(lambda found: found[0].autoscaling_groups[0].name)
    for key, value in autoscaler_tags(pool).items():
        aws.autoscaling.Tag(
            f"{pool.name}/{key.removeprefix(_TEMPLATE_TAG + '/')}",
            autoscaling_group_name=scaling_group,
            tag={"key": key, "value": value, "propagate_at_launch": False},
            opts=account,
        )
    return made


def _subnets(zones: tuple[str, ...], region: aws.Provider) -> pulumi.Output[list[str]]:
    """Subnets of the default network, all of them or those of some zones."""
    asking = pulumi.InvokeOptions(provider=region)
    network = aws.ec2.get_vpc_output(default=True, opts=asking)
    filters = [{"name": "vpc-id", "values": [network.id]}]
    if zones:
        filters.append({"name": "availability-zone", "values": list(zones)})
    found: pulumi.Output[Any] = aws.ec2.get_subnets_output(filters=filters, opts=asking)
    return found.apply(lambda answer: [str(subnet) for subnet in answer.ids])


def _role(
    name: str, service: str, policies: tuple[str, ...], account: pulumi.ResourceOptions
) -> tuple[aws.iam.Role, list[aws.iam.RolePolicyAttachment]]:
    """A role that a service of AWS may take, and the attachments that give it its rights."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": f"{service}.amazonaws.com"},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = aws.iam.Role(name, assume_role_policy=trust, opts=account)
    rights = [
        aws.iam.RolePolicyAttachment(
            policy, role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{policy}", opts=account
        )
        for policy in policies
    ]
    return role, rights


def _kubeconfig(section: Eks, endpoint: str, authority: str) -> str:
    name = section.name
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": ["eks", "get-token", "--cluster-name", name, "--region", section.region],
        }
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [{"name": name, "cluster": {"server": endpoint, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": user}],
        }
    )
