# The role that scanner assumes, in all accounts of an organization, also those to come; apply it with credentials of the management account.
#
#   scanner permissions --ruleset optional -o cloudformation > role.json
#   terraform apply -var trusted_principal=arn:aws:iam::111122223333:role/scanner-serve -var 'organizational_units=["r-abcd"]'

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "trusted_principal" {
  type        = string
  description = "ARN of the role that scanner serve has"
}

variable "role_name" {
  type    = string
  default = "scanner"
}

variable "external_id" {
  type        = string
  default     = ""
  sensitive   = true
  description = "That scanner gives by external_id, if somebody else's account scans these; else leave it empty"
}

variable "organizational_units" {
  type        = list(string)
  description = "The root of the organization (r-...), or units (ou-...)"
}

resource "aws_cloudformation_stack_set" "scanner" {
  name             = "scanner-role"
  description      = "What scanner reads, and nothing that changes anything"
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = file("${path.module}/role.json")

  parameters = {
    TrustedPrincipal = var.trusted_principal
    RoleName         = var.role_name
    ExternalId       = var.external_id
  }

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  lifecycle {
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "scanner" {
  stack_set_name = aws_cloudformation_stack_set.scanner.name # in the region of the provider: one is enough, as roles are global

  deployment_targets {
    organizational_unit_ids = var.organizational_units
  }

  operation_preferences {
    failure_tolerance_percentage = 100
    max_concurrent_percentage    = 100
  }
}
